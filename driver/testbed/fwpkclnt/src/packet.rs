//! Lists of packets as the stack would hold them, and what is in those of the client.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use divert_driver_abi::ndis::{
    NET_BUFFER, NET_BUFFER_DATA_LENGTH, NET_BUFFER_LIST, TcpIpChecksumNetBufferListInfo,
};
use divert_driver_abi::wdm::{MDL, MDL_SOURCE_IS_NONPAGED_POOL};
use divert_testbed_model::chain;

use crate::raw;

/// One packet of the stack's: memory, descriptors, buffer. The parts point into each other and are never moved out.
struct Buffer {
    memory: Vec<u8>,
    _descriptors: Box<[MDL]>,
    buffer: Box<NET_BUFFER>,
}

/// A list of the stack's.
pub(crate) struct List {
    list: Box<NET_BUFFER_LIST>,
    buffers: Vec<Buffer>,
    _chained: Option<Box<Self>>,
}

/// Where a buffer's data starts, and what all of its memory is; compared before and after.
#[derive(PartialEq, Eq, Clone)]
pub(crate) struct State {
    current: usize,
    current_offset: u32,
    length: u32,
    offset: u32,
    next: usize,
}

/// Describes `length` bytes.
pub(crate) fn descriptor(at: *const u8, length: u32) -> MDL {
    let mut mdl: MDL = raw::zeroed();
    let address = at.addr();
    mdl.Size = (size_of::<MDL>() + 8) as i16;
    mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
    mdl.MappedSystemVa = at.cast_mut().cast();
    mdl.StartVa = at.map_addr(|address| address & !0xFFF).cast_mut().cast();
    mdl.ByteOffset = (address & 0xFFF) as u32;
    mdl.ByteCount = length;
    mdl
}

impl Buffer {
    /// A packet behind `before` unused bytes, in descriptors of `split` bytes, whose data start at `start`.
    fn new(packet: &[u8], before: usize, split: usize, start: usize) -> Self {
        let mut memory = vec![0; before];
        memory.extend_from_slice(packet);
        let part = if split == 0 { memory.len().max(1) } else { split };
        let mut descriptors: Box<[MDL]> =
            memory.chunks(part).map(|part| descriptor(part.as_ptr(), part.len() as u32)).collect();
        let base = descriptors.as_mut_ptr();
        let addresses: Vec<*mut MDL> = (0..descriptors.len()).map(|at| base.wrapping_add(at)).collect();
        for (mdl, next) in descriptors.iter_mut().zip(addresses.iter().skip(1)) {
            mdl.Next = *next;
        }
        let offset = (before + start) as u32;
        let place = chain::place(descriptors.iter().map(|mdl| mdl.ByteCount), offset);
        let (part, within) = place.map_or((0, 0), |place| (place.part, place.offset));
        let mut buffer: Box<NET_BUFFER> = Box::new(raw::zeroed());
        buffer.CurrentMdl = addresses.get(part).copied().unwrap_or(core::ptr::null_mut());
        buffer.CurrentMdlOffset = within;
        buffer.DataLength = length(packet.len().saturating_sub(start));
        buffer.MdlChain = addresses.first().copied().unwrap_or(core::ptr::null_mut());
        buffer.DataOffset = offset;
        Self { memory, _descriptors: descriptors, buffer }
    }
}

fn length(bytes: usize) -> NET_BUFFER_DATA_LENGTH {
    NET_BUFFER_DATA_LENGTH { DataLength: bytes as u32, High: 0 }
}

impl List {
    /// A list of packets whose data start `start` bytes into each.
    pub(crate) fn new(
        packets: &[Vec<u8>],
        (before, split, start): (usize, usize, usize),
        checksum: u32,
        chained: bool,
    ) -> Self {
        let mut buffers: Vec<Buffer> =
            packets.iter().map(|packet| Buffer::new(packet, before, split, start)).collect();
        let addresses: Vec<*mut NET_BUFFER> =
            buffers.iter_mut().map(|buffer| &raw mut *buffer.buffer).collect();
        for (buffer, next) in buffers.iter_mut().zip(addresses.iter().skip(1)) {
            buffer.buffer.Next = *next;
        }
        let mut list: Box<NET_BUFFER_LIST> = Box::new(raw::zeroed());
        list.FirstNetBuffer = addresses.first().copied().unwrap_or(core::ptr::null_mut());
        list.NetBufferListInfo[TcpIpChecksumNetBufferListInfo] =
            core::ptr::without_provenance_mut(checksum as usize);
        let mut behind = chained.then(|| Box::new(Self::new(packets, (before, split, start), checksum, false)));
        if let Some(behind) = &mut behind {
            list.Next = behind.address();
        }
        Self { list, buffers, _chained: behind }
    }

    pub(crate) fn address(&mut self) -> *mut NET_BUFFER_LIST {
        &raw mut *self.list
    }

    /// Addresses of the buffers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.buffers.iter().map(|buffer| (&raw const *buffer.buffer).addr() as u64)
    }

    /// Where the data of each buffer start.
    pub(crate) fn states(&self) -> Vec<State> {
        self.buffers
            .iter()
            .map(|buffer| State {
                current: buffer.buffer.CurrentMdl.addr(),
                current_offset: buffer.buffer.CurrentMdlOffset,
                length: buffer.buffer.DataLength.DataLength,
                offset: buffer.buffer.DataOffset,
                next: buffer.buffer.Next.addr(),
            })
            .collect()
    }

    /// Whether the packets are still these.
    pub(crate) fn holds(&self, packets: &[Vec<u8>], before: usize) -> bool {
        self.buffers.len() == packets.len()
            && self.buffers.iter().zip(packets).all(|(buffer, packet)| buffer.memory.get(before..) == Some(packet))
    }
}

/// The address of what a descriptor describes.
pub(crate) fn memory(mdl: &MDL) -> *mut u8 {
    // Wine does not map descriptors of pool memory; the address itself is right.
    mdl.StartVa.cast::<u8>().wrapping_add(mdl.ByteOffset as usize)
}

/// The descriptors of a chain.
pub(crate) fn descriptors<'a>(first: *const MDL) -> impl Iterator<Item = (*const MDL, &'a MDL)> {
    let mut at = first;
    core::iter::from_fn(move || {
        let mdl = raw::see(at)?;
        let here = at;
        at = mdl.Next;
        Some((here, mdl))
    })
}

/// The data of a buffer from its start on, up to `most` bytes; none when its memory ends before its data.
pub(crate) fn data(buffer: &NET_BUFFER, most: usize) -> Option<Vec<u8>> {
    let wanted = (buffer.DataLength.DataLength as usize).min(most);
    let mut bytes = Vec::with_capacity(wanted);
    let mut skip = buffer.CurrentMdlOffset as usize;
    for (_, mdl) in descriptors(buffer.CurrentMdl) {
        let part = raw::bytes(memory(mdl), mdl.ByteCount as usize);
        let part = part.get(skip..)?;
        skip = 0;
        bytes.extend_from_slice(part.get(..wanted - bytes.len()).unwrap_or(part));
        if bytes.len() == wanted {
            return Some(bytes);
        }
    }
    (wanted == 0).then_some(bytes)
}

/// The packets of a list; none when one is empty or reaches beyond its memory, or the places of its start disagree.
pub(crate) fn packets(list: *const NET_BUFFER_LIST) -> Option<Vec<Vec<u8>>> {
    let mut packets = Vec::new();
    let mut at: *const NET_BUFFER = raw::see(list)?.FirstNetBuffer;
    while let Some(buffer) = raw::see(at) {
        let place = chain::place(descriptors(buffer.MdlChain).map(|(_, mdl)| mdl.ByteCount), buffer.DataOffset)?;
        let (expected, _) = descriptors(buffer.MdlChain).nth(place.part)?;
        let same = core::ptr::eq(expected, buffer.CurrentMdl) && place.offset == buffer.CurrentMdlOffset;
        let packet = data(buffer, usize::MAX)?;
        if packet.is_empty() || !same {
            return None;
        }
        packets.push(packet);
        at = buffer.Next;
    }
    (!packets.is_empty()).then_some(packets)
}
