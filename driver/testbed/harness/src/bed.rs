//! The test bed: the driver's service, the control device of the double, and what is expected after every test.
#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer is the same failure")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use divert_driver_protocol::limits::NAME;
use divert_testbed_control::{
    Blast, Blasted, CODE, Event, Failure, Fate, LOAD_FAILURE_PATH, MAX_REPLY, Other, Outcome, PATH, Packet,
    Reply, Report, Request, Settings, UNLOAD_REPORT_PATH,
};
use divert_testbed_model::{Finding, Rule};

use crate::Check;
use crate::sys::{Device, Service};

/// The driver under test, loaded.
pub(crate) struct Bed {
    service: Service,
    control: Option<Device>,
    /// Whether the long forms of tests are wanted.
    pub(crate) all: bool,
    /// Where the repository is.
    pub(crate) root: PathBuf,
}

impl Bed {
    /// Installs and starts the driver.
    pub(crate) fn start(all: bool, root: &str) -> Check<Self> {
        let file = std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.join("divert64.sys")))
            .ok_or("where is this program?")?;
        let file = file.to_str().ok_or("a path that is no text")?;
        let service = Service::install(NAME, file).map_err(|code| format!("installing: error {code}"))?;
        let mut bed = Self { service, control: None, all, root: PathBuf::from(root) };
        bed.load()?;
        Ok(bed)
    }

    fn load(&mut self) -> Check {
        self.service.start().map_err(|code| format!("starting: error {code}"))?;
        self.find()
    }

    /// Finds the double in the loaded driver.
    fn find(&mut self) -> Check {
        let begin = Instant::now();
        loop {
            match Device::open(PATH) {
                Ok(device) => {
                    self.control = Some(device);
                    break;
                }
                Err(_) if begin.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(code) => return Err(format!("the double's device: error {code}")),
            }
        }
        let report = self.report()?;
        if report.watched < 6 {
            return Err(format!("only {} functions of the driver are watched", report.watched));
        }
        Ok(())
    }

    /// Unloads the driver; gives the double's last report.
    pub(crate) fn unload(&mut self) -> Check<Report> {
        let _ = std::fs::remove_file(UNLOAD_REPORT_PATH);
        self.control = None;
        self.service.stop().map_err(|code| format!("stopping: error {code}"))?;
        let begin = Instant::now();
        loop {
            if let Ok(bytes) = std::fs::read(UNLOAD_REPORT_PATH)
                && let Ok(report) = Report::decode(&bytes)
            {
                return Ok(report);
            }
            if begin.elapsed() > Duration::from_secs(10) {
                return Err("no report of the unload".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Unloads the driver and judges how it went.
    pub(crate) fn stop(&mut self) -> Check {
        let report = self.unload()?;
        if report.found == 0 { Ok(()) } else { Err(format!("after unloading:\n{report}")) }
    }

    /// Unloads and loads.
    pub(crate) fn cycle(&mut self) -> Check {
        self.stop()?;
        self.load()
    }

    /// Loads again, whatever happened.
    pub(crate) fn restart(&mut self) -> Check {
        let _ = self.unload();
        let begin = Instant::now();
        loop {
            match self.load() {
                Ok(()) => return Ok(()),
                Err(error) if begin.elapsed() > Duration::from_secs(10) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Tries to load while something fails. When that does not succeed, gives the code and the double's last report, if
    /// it was asked for anything; else the driver is loaded.
    pub(crate) fn load_with(&mut self, failure: Failure) -> Check<Option<(u32, Option<Report>)>> {
        let _ = std::fs::remove_file(UNLOAD_REPORT_PATH);
        let file = |error: std::io::Error| format!("{LOAD_FAILURE_PATH}: {error}");
        std::fs::write(LOAD_FAILURE_PATH, Request::Fail(failure).encode()).map_err(file)?;
        let started = self.service.start();
        std::fs::remove_file(LOAD_FAILURE_PATH).map_err(file)?;
        match started {
            Ok(()) => self.find().map(|()| None),
            Err(code) => {
                let report = std::fs::read(UNLOAD_REPORT_PATH).ok();
                let report = report.map(|bytes| Report::decode(&bytes).map_err(|error| error.to_string()));
                Ok(Some((code, report.transpose()?)))
            }
        }
    }

    /// Loads after an unload, or after a load that has failed, whose process may still be on its way out.
    pub(crate) fn reload(&mut self) -> Check {
        const TRIES: usize = 5;
        for _ in 1..TRIES {
            match self.load() {
                Ok(()) => return Ok(()),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
        self.load()
    }

    /// Asks the double.
    pub(crate) fn ask(&self, request: &Request) -> Check<Reply> {
        let control = self.control.as_ref().ok_or("the driver is not loaded")?;
        let mut reply = vec![0; MAX_REPLY];
        let length = control
            .control(CODE, &request.encode(), &mut reply)
            .map_err(|code| format!("the double does not answer: error {code}"))?;
        Reply::decode(&reply[..length]).map_err(|error| error.to_string())
    }

    fn done(&self, request: &Request) -> Check {
        match self.ask(request)? {
            Reply::Done => Ok(()),
            other => Err(format!("{request:?} gave {other:?}")),
        }
    }

    /// Lists come by; gives what became of each.
    pub(crate) fn packets(&self, packets: Vec<Packet>) -> Check<Vec<Fate>> {
        match self.ask(&Request::Packets(packets))? {
            Reply::Fates(fates) => Ok(fates),
            other => Err(format!("packets gave {other:?}")),
        }
    }

    /// One list comes by.
    pub(crate) fn packet(&self, packet: Packet) -> Check<Fate> {
        let fates = self.packets(vec![packet])?;
        fates.first().copied().ok_or_else(|| "no fate".into())
    }

    /// An event happens; gives what became of it and the flow's number.
    pub(crate) fn event(&self, event: Event) -> Check<(Fate, u64)> {
        match self.ask(&Request::Event(event))? {
            Reply::Event(fate, flow) => Ok((fate, flow)),
            other => Err(format!("{event:?} gave {other:?}")),
        }
    }

    /// A flow ends.
    pub(crate) fn flow_end(&self, flow: u64) -> Check {
        self.done(&Request::FlowEnd(flow))
    }

    /// How the stack behaves.
    pub(crate) fn set(&self, settings: Settings) -> Check {
        self.done(&Request::Set(settings))
    }

    /// What shall fail.
    pub(crate) fn fail(&self, failure: Failure) -> Check {
        self.done(&Request::Fail(failure))
    }

    /// The callouts of other drivers from now on.
    pub(crate) fn others(&self, others: Vec<Other>) -> Check {
        self.done(&Request::Others(others))
    }

    /// Waits until the stack has nothing to do.
    pub(crate) fn settle(&self) -> Check {
        self.done(&Request::Settle)
    }

    /// The double breaks a rule.
    pub(crate) fn misuse(&self, rule: Rule) -> Check {
        self.done(&Request::Misuse(rule))
    }

    /// Many lists come by on the double's own threads.
    pub(crate) fn blast(&self, threads: u32, count: u32, packets: Vec<Packet>) -> Check<Blasted> {
        match self.ask(&Request::Blast(Blast { threads, count, packets }))? {
            Reply::Blasted(blasted) => Ok(blasted),
            other => Err(format!("the blast gave {other:?}")),
        }
    }

    /// Takes all packets that left.
    pub(crate) fn outcomes(&self) -> Check<Vec<Outcome>> {
        self.settle()?;
        let mut all = Vec::new();
        loop {
            match self.ask(&Request::Outcomes(u32::MAX))? {
                Reply::Outcomes(outcomes, more) => {
                    all.extend(outcomes);
                    if !more {
                        return Ok(all);
                    }
                }
                other => return Err(format!("outcomes gave {other:?}")),
            }
        }
    }

    /// What the double has seen.
    pub(crate) fn report(&self) -> Check<Report> {
        match self.ask(&Request::Report)? {
            Reply::Report(report) => Ok(*report),
            other => Err(format!("the report is {other:?}")),
        }
    }

    /// Takes what was found so far.
    pub(crate) fn findings(&self) -> Check<Vec<Finding>> {
        let findings = self.report()?.findings;
        self.done(&Request::Forget)?;
        Ok(findings)
    }

    /// After every test: the stack at rest and as it was, nothing found, nothing left.
    pub(crate) fn judge(&mut self) -> Check {
        if self.control.is_none() {
            return Ok(());
        }
        self.fail(Failure::None)?;
        self.set(Settings::default())?;
        self.others(vec![])?;
        self.outcomes()?;
        let mut report = self.report()?;
        // Closing travels by itself.
        let begin = Instant::now();
        while report.requests[0] > 0 && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
            report = self.report()?;
        }
        if report.found > 0 {
            self.done(&Request::Forget)?;
            return Err(format!("the double has found:\n{report}"));
        }
        if report.lists[0] > 0 || report.flows[1] > 0 || report.requests[0] > 0 {
            return Err(format!("not at rest:\n{report}"));
        }
        Ok(())
    }
}
