//! The packets: conversations as a host at 192.0.2.10 and 2001:db8::10 would see them, and odd ones.

use crate::packet::*;

/// Which way a packet went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
    /// The file does not say.
    Unknown,
}

/// One packet of the samples.
pub(crate) struct Packet {
    /// Microseconds since the first.
    pub(crate) micros: u64,
    /// With its Ethernet header.
    pub(crate) frame: Vec<u8>,
    /// 0: Ethernet; 1: a tunnel, where pcapng has no Ethernet header.
    pub(crate) interface: u32,
    pub(crate) way: Way,
    pub(crate) comment: Option<&'static str>,
    /// Bytes captured, if fewer than all.
    snap: Option<usize>,
}

impl Packet {
    pub(crate) fn captured(&self) -> &[u8] {
        self.frame.get(..self.snap.unwrap_or(self.frame.len())).unwrap_or(&self.frame)
    }
}

const HOST: [u8; 4] = [192, 0, 2, 10];
const ROUTER: [u8; 4] = [192, 0, 2, 1];
const DNS: [u8; 4] = [192, 0, 2, 53];
const SERVER: [u8; 4] = [198, 51, 100, 80];
const STRANGER: [u8; 4] = [203, 0, 113, 66];

const MINE: [u8; 6] = [2, 0, 0, 0, 0, 0x10];
const THEIRS: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Collects packets; the clock goes on with each.
#[derive(Default)]
struct Tape {
    packets: Vec<Packet>,
    ident: u16,
}

impl Tape {
    fn frame(&mut self, way: Way, tags: &[u8], kind: u16, payload: &[u8]) -> &mut Packet {
        let index = self.packets.len();
        let number = index as u64;
        let (to, from) = if way == Way::Out { (THEIRS, MINE) } else { (MINE, THEIRS) };
        let frame = [&to[..], &from, tags, &kind.to_be_bytes(), payload].concat();
        self.packets.push(Packet {
            micros: number * 12_345 + number * number % 977,
            frame,
            interface: 0,
            way,
            comment: None,
            snap: None,
        });
        &mut self.packets[index]
    }

    fn ip(&mut self, way: Way, packet: &[u8]) -> &mut Packet {
        let kind = if packet.first().is_some_and(|first| first >> 4 == 6) { 0x86dd } else { 0x0800 };
        self.frame(way, &[], kind, packet)
    }

    fn ident(&mut self) -> u16 {
        self.ident += 1;
        0x1000 + self.ident
    }

    fn udp(&mut self, way: Way, ends: Ends, payload: &[u8]) -> &mut Packet {
        let ident = self.ident();
        self.ip(way, &ends.ip(UDP, ident, &ends.udp(payload)))
    }
}

/// A TCP connection of the host: keeps both sequence numbers.
struct Connection {
    ends: Ends,
    seq: u32,
    ack: u32,
    interface: u32,
}

impl Connection {
    fn open(tape: &mut Tape, ends: Ends, interface: u32) -> Self {
        // Maximum segment size, window scale, SACK permitted.
        let options = [2, 4, 0x05, 0xb4, 1, 3, 3, 7, 1, 1, 4, 2];
        let mut it = Self { ends, seq: 0x1000_0000, ack: 0x2000_0000, interface };
        it.segment(tape, Way::Out, SYN, &options, &[]);
        it.segment(tape, Way::In, SYN | ACK, &options, &[]);
        it.segment(tape, Way::Out, ACK, &[], &[]);
        it
    }

    fn segment(&mut self, tape: &mut Tape, way: Way, flags: u8, options: &[u8], payload: &[u8]) {
        let (ends, seq, ack) = match way {
            Way::In => (self.ends.reversed(), self.ack, self.seq),
            Way::Out | Way::Unknown => (self.ends, self.seq, self.ack),
        };
        let ack = if flags & ACK != 0 { ack } else { 0 };
        let ident = tape.ident();
        let packet = ends.ip(TCP, ident, &ends.tcp((seq, ack), flags, options, payload));
        tape.ip(way, &packet).interface = self.interface;
        let length = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        match way {
            Way::In => self.ack += length,
            Way::Out | Way::Unknown => self.seq += length,
        }
    }

    fn send(&mut self, tape: &mut Tape, payload: &[u8]) {
        self.segment(tape, Way::Out, PSH | ACK, &[], payload);
        self.segment(tape, Way::In, ACK, &[], &[]);
    }

    fn receive(&mut self, tape: &mut Tape, payload: &[u8]) {
        self.segment(tape, Way::In, PSH | ACK, &[], payload);
        self.segment(tape, Way::Out, ACK, &[], &[]);
    }

    fn close(&mut self, tape: &mut Tape) {
        self.segment(tape, Way::Out, FIN | ACK, &[], &[]);
        self.segment(tape, Way::In, FIN | ACK, &[], &[]);
        self.segment(tape, Way::Out, ACK, &[], &[]);
    }
}

/// All packets, in order.
pub(crate) fn all() -> Vec<Packet> {
    let mut tape = Tape::default();
    arp(&mut tape);
    names(&mut tape);
    web(&mut tape);
    control(&mut tape);
    fragments(&mut tape);
    extensions(&mut tape);
    frames(&mut tape);
    tape.packets
}

fn arp(tape: &mut Tape) {
    let message = |operation: u8, a: [u8; 6], b: [u8; 4], c: [u8; 6], d: [u8; 4]| {
        // Padded to the shortest frame, as it arrives.
        [&[0, 1, 8, 0, 6, 4, 0, operation][..], &a, &b, &c, &d, &[0; 18]].concat()
    };
    tape.frame(Way::Out, &[], 0x0806, &message(1, MINE, HOST, [0; 6], ROUTER)).comment =
        Some("ARP is not IP: no filter of the network layer matches");
    tape.frame(Way::In, &[], 0x0806, &message(2, THEIRS, ROUTER, MINE, HOST));
}

fn dns(ident: u16, flags: u16, kind: u16, answer: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [ident, flags, 1, u16::from(!answer.is_empty()), 0, 0] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(b"\x03www\x07example\x04test\x00");
    bytes.extend([0, kind as u8, 0, 1]);
    if !answer.is_empty() {
        bytes.extend([0xc0, 12, 0, kind as u8, 0, 1, 0, 0, 1, 44, 0, answer.len() as u8]);
        bytes.extend(answer);
    }
    bytes
}

fn names(tape: &mut Tape) {
    let ends = Ends::v4(HOST, DNS, (53_001, 53));
    tape.udp(Way::Out, ends, &dns(0x4242, 0x0100, 1, &[])).comment = Some("the first question");
    tape.udp(Way::In, ends.reversed(), &dns(0x4242, 0x8180, 1, &SERVER));
    let ends = Ends::v6(0x10, 0x53, (53_002, 53));
    tape.udp(Way::Out, ends, &dns(0x4343, 0x0100, 28, &[]));
    let answer = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
    tape.udp(Way::In, ends.reversed(), &dns(0x4343, 0x8180, 28, &answer));
    // Multicast, of which the capture does not say a direction.
    let mdns = Ends::v4(HOST, [224, 0, 0, 251], (5353, 5353));
    tape.udp(Way::Unknown, mdns, &dns(0, 0, 12, &[]));
}

fn client_hello() -> Vec<u8> {
    let name = b"www.example.test";
    let length = name.len() as u8;
    let server_name = [&[0, 0, 0, length + 5, 0, length + 3, 0, 0, length][..], name].concat();
    let versions = [0, 43, 0, 3, 2, 3, 4];
    let extensions = [&server_name[..], &versions].concat();
    let mut body = vec![3, 3];
    body.extend(noise(7, 32));
    body.extend([0, 0, 4, 0x13, 0x01, 0x13, 0x02, 1, 0, 0, extensions.len() as u8]);
    body.extend(extensions);
    let handshake = [&[1, 0, 0, body.len() as u8][..], &body].concat();
    [&[22, 3, 1, 0, handshake.len() as u8][..], &handshake].concat()
}

fn web(tape: &mut Tape) {
    let mut http = Connection::open(tape, Ends::v4(HOST, SERVER, (49_152, 80)), 0);
    http.send(tape, b"GET /index.html HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: sample\r\n\r\n");
    http.receive(
        tape,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n",
    );
    http.close(tape);

    let mut tls = Connection::open(tape, Ends::v6(0x10, 0x80, (49_153, 443)), 1);
    tls.send(tape, &client_hello());
    tls.receive(tape, &[&[23, 3, 3, 0, 64][..], &noise(8, 64)].concat());
    tls.segment(tape, Way::In, RST | ACK, &[], &[]);

    // Nobody listens on 8080: a reset at once.
    let mut refused =
        Connection { ends: Ends::v4(HOST, SERVER, (49_154, 8080)), seq: 0x3000_0000, ack: 0, interface: 0 };
    refused.segment(tape, Way::Out, SYN, &[2, 4, 0x05, 0xb4], &[]);
    refused.segment(tape, Way::In, RST | ACK, &[], &[]);

    // Timestamps, and 1,200 bytes in one direction.
    let mut bulk = Connection::open(tape, Ends::v4(HOST, SERVER, (49_155, 5001)), 1);
    let stamps = [1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0];
    bulk.segment(tape, Way::Out, ACK, &stamps, &noise(9, 1200));
    bulk.segment(tape, Way::Out, PSH | ACK, &stamps, &noise(10, 333));
    bulk.segment(tape, Way::In, ACK, &stamps, &[]);
    bulk.close(tape);

    // The first packet of QUIC: long header, version 1, connection ids, no token, and a length that covers the rest.
    let ends = Ends::v4(HOST, SERVER, (50_000, 443));
    let mut initial = vec![0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e];
    initial.extend(noise(11, 0x49e));
    tape.udp(Way::Out, ends, &initial).comment = Some("a QUIC initial packet");
    let mut short = vec![0x45];
    short.extend(noise(12, 60));
    tape.udp(Way::In, ends.reversed(), &short);
}

fn control(tape: &mut Tape) {
    let ends = Ends::v4(HOST, ROUTER, (0, 0));
    let echo = [&[0x12, 0x34, 0, 1][..], b"abcdefghijklmnopqrstuvwabcdefghi"].concat();
    let request = ends.ip(ICMP, tape.ident(), &icmp(8, 0, &echo));
    tape.ip(Way::Out, &request);
    let reply = ends.reversed().ip(ICMP, tape.ident(), &icmp(0, 0, &echo));
    tape.ip(Way::In, &reply);

    // Port unreachable, with the header and 8 bytes of the datagram it is about.
    let about = Ends::v4(HOST, SERVER, (40_000, 33_434));
    let probe = about.ip(UDP, tape.ident(), &about.udp(b"probe"));
    tape.ip(Way::Out, &probe);
    let quoted = [&[0; 4][..], probe.get(..28).unwrap_or_default()].concat();
    let unreachable = Ends::v4(SERVER, HOST, (0, 0)).ip(ICMP, tape.ident(), &icmp(3, 3, &quoted));
    tape.ip(Way::In, &unreachable).comment = Some("destination unreachable");

    let ends = Ends::v6(0x10, 0x1, (0, 0));
    let target = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01];
    let solicitation = [&[0; 4][..], &target, &[1, 1], &MINE].concat();
    tape.ip(Way::Out, &ends.ip(ICMPV6, 0, &ends.icmpv6(135, 0, &solicitation)));
    let back = ends.reversed();
    let advertisement = [&[0x60, 0, 0, 0][..], &target, &[2, 1], &THEIRS].concat();
    tape.ip(Way::In, &back.ip(ICMPV6, 0, &back.icmpv6(136, 0, &advertisement)));
    tape.ip(Way::Out, &ends.ip(ICMPV6, 0, &ends.icmpv6(128, 0, &echo))).interface = 1;
    tape.ip(Way::In, &back.ip(ICMPV6, 0, &back.icmpv6(129, 0, &echo))).interface = 1;

    // IGMP membership report with a router alert: a header of 24 bytes.
    let group = [239, 1, 2, 3];
    let report = icmp(0x16, 0, &group);
    let header = Ipv4 {
        source: HOST.into(),
        destination: group.into(),
        protocol: IGMP,
        ident: tape.ident(),
        flags: 0,
        options: &[0x94, 4, 0, 0],
    };
    tape.ip(Way::Out, &ipv4(&header, &report)).comment = Some("IPv4 with options");
}

fn fragments(tape: &mut Tape) {
    let ends = Ends::v4(STRANGER, HOST, (4000, 5000));
    let datagram = ends.udp(&noise(13, 1800));
    let ident = tape.ident();
    for (number, piece) in datagram.chunks(800).enumerate() {
        let offset = number * 800;
        let more = offset + piece.len() < datagram.len();
        let header = Ipv4 {
            source: STRANGER.into(),
            destination: HOST.into(),
            protocol: UDP,
            ident,
            flags: (offset / 8) as u16 | u16::from(more) << 13,
            options: &[],
        };
        tape.ip(Way::In, &ipv4(&header, piece)).comment =
            Some(if offset == 0 { "the first fragment has the ports" } else { "a later fragment" });
    }
    let ends = Ends::v6(0x66, 0x10, (4000, 5000));
    let datagram = ends.udp(&noise(14, 1200));
    for (number, piece) in datagram.chunks(800).enumerate() {
        let offset = number * 800;
        let more = offset + piece.len() < datagram.len();
        let packet = ends.ip(FRAGMENT, 0, &fragment(UDP, offset as u16, more, 0x0102_0304, piece));
        tape.ip(Way::In, &packet);
    }
}

fn extensions(tape: &mut Tape) {
    let ends = Ends::v6(0x10, 0x80, (6000, 7000));
    let datagram = ends.udp(b"behind extension headers");
    let padding = [1, 4, 0, 0, 0, 0];
    let router_alert = [5, 2, 0, 0, 1, 0];
    let address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99];
    let route = [&[0, 0, 0, 0, 0, 0][..], &address].concat();

    let hop_by_hop = extension(UDP, &router_alert, &datagram);
    tape.ip(Way::Out, &ends.ip(HOP_BY_HOP, 0, &hop_by_hop)).comment = Some("hop-by-hop options");
    let routing = extension(UDP, &route, &datagram);
    tape.ip(Way::Out, &ends.ip(ROUTING, 0, &routing)).comment = Some("a routing header, all visited");
    let destination = extension(UDP, &padding, &datagram);
    tape.ip(Way::Out, &ends.ip(DESTINATION, 0, &destination)).comment = Some("destination options");
    let all = extension(
        ROUTING,
        &router_alert,
        &extension(
            FRAGMENT,
            &route,
            &fragment(AH, 0, false, 0x0506_0708, &authentication(DESTINATION, 1, &destination)),
        ),
    );
    tape.ip(Way::Out, &ends.ip(HOP_BY_HOP, 0, &all)).comment = Some("all extension headers in a row");

    let segment = ends.tcp((1, 0), SYN, &[], &[]);
    tape.ip(Way::Out, &ends.ip(AH, 0, &authentication(TCP, 2, &segment))).comment =
        Some("authenticated, IPv6");
    let ends = Ends::v4(HOST, SERVER, (6001, 7001));
    let segment = ends.tcp((1, 0), SYN, &[], &[]);
    let ident = tape.ident();
    tape.ip(Way::Out, &ends.ip(AH, ident, &authentication(TCP, 3, &segment))).comment =
        Some("authenticated, IPv4");
    let nothing = ends.ip(59, tape.ident(), &[]);
    tape.ip(Way::Out, &nothing).comment = Some("no next header, no payload");
}

fn frames(tape: &mut Tape) {
    let ends = Ends::v4(STRANGER, HOST, (1234, 9));
    let packet = ends.ip(UDP, tape.ident(), &ends.udp(b"in a VLAN"));
    tape.frame(Way::In, &[0x81, 0, 0, 100], 0x0800, &packet).comment = Some("VLAN 100");
    let ends6 = Ends::v6(0x66, 0x10, (1234, 9));
    let packet = ends6.ip(UDP, 0, &ends6.udp(b"in two VLANs"));
    tape.frame(Way::In, &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 101], 0x86dd, &packet).comment =
        Some("VLAN 101 in 7");

    // The shortest frame has 60 bytes: six of these are no part of the packet.
    let ends = Ends::v4(SERVER, HOST, (80, 49_160));
    let packet = ends.ip(TCP, tape.ident(), &ends.tcp((1, 1), ACK, &[], &[]));
    tape.frame(Way::In, &[], 0x0800, &[&packet[..], &[0; 6]].concat()).comment = Some("Ethernet padding");

    // An 802.3 frame: length, then LLC and SNAP with the EtherType.
    let ends = Ends::v4(STRANGER, HOST, (1235, 9));
    let packet = ends.ip(UDP, tape.ident(), &ends.udp(b"in SNAP"));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &packet].concat();
    tape.frame(Way::In, &[], snap.len() as u16, &snap).comment = Some("802.3 with SNAP");

    let ends = Ends::v4(STRANGER, HOST, (1236, 9));
    tape.udp(Way::In, ends, &noise(15, 512)).snap = Some(96);
    let ends = Ends::v6(0x66, 0x10, (1237, 9));
    let cut = tape.udp(Way::In, ends, &noise(16, 512));
    // Within the UDP header.
    (cut.snap, cut.comment) = (Some(58), Some("cut by the snap length"));

    let ends = Ends::v4([127, 0, 0, 1], [127, 0, 0, 1], (33_000, 33_001));
    tape.udp(Way::Unknown, ends, b"loopback").interface = 1;
    let ends = Ends::v4(HOST, [255, 255, 255, 255], (68, 9));
    tape.udp(Way::Out, ends, b"").comment = Some("broadcast, an empty datagram");
}
