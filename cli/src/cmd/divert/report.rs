//! What a simulation came to.

use divert_driver_core::simulate::Simulation;
use divert_driver_protocol::Counter;
use serde_json::{Map, Value, json};

use super::{Counts, Divert};
use crate::cmd::plural;
use crate::console::{Console, Outcome};
use crate::output::is_stdout;

impl Divert {
    pub(super) fn report(
        &self,
        simulation: &Simulation,
        counts: &Counts,
        console: &mut Console,
    ) -> Outcome<()> {
        let aside = self.write.as_deref().is_some_and(is_stdout);
        let mut lines = String::new();
        for (handle, statistics, tally) in simulation.report() {
            let driver = Counter::ALL.into_iter().filter(|counter| !counter.is_level());
            let mut shown: Vec<(&str, u64)> =
                driver.map(|counter| (counter.name(), statistics.get(counter))).collect();
            shown.extend([
                ("program: looked at", tally.looked_at),
                ("program: sent", tally.sent),
                ("program: forgotten", tally.forgotten),
                ("program: could not send", tally.refused),
            ]);
            if self.json {
                let counters: Map<String, Value> =
                    shown.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
                let line = json!({
                    "handle": handle.name,
                    "layer": handle.layer.name(),
                    "priority": handle.priority,
                    "flags": handle.flags.bits(),
                    "counters": counters,
                });
                lines.push_str(&format!("{line}\n"));
            } else {
                lines.push_str(&format!(
                    "handle `{}`, {}, priority {}\n",
                    handle.name,
                    handle.layer.name(),
                    handle.priority
                ));
                for (name, value) in shown.into_iter().filter(|(_, value)| *value > 0) {
                    lines.push_str(&format!("  {name}: {value}\n"));
                }
            }
        }
        self.sum_up(counts, &mut lines, console)?;
        if aside { console.remark(lines.trim_end()) } else { console.result(lines) }
    }

    fn sum_up(&self, counts: &Counts, lines: &mut String, console: &mut Console) -> Outcome<()> {
        let Counts { records, ip, short, out, events, blocked, reflected } = *counts;
        if self.json {
            let summary = json!({"summary": {
                "records": records, "ip": ip, "short": short, "out": out, "events": events, "blocked": blocked,
            }});
            lines.push_str(&format!("{summary}\n"));
            return Ok(());
        }
        if ip > 0 || events == 0 {
            lines.push_str(&format!("{} in, {out} out\n", plural(ip - short, "packet")));
        }
        if events > 0 {
            lines.push_str(&format!("{} in, {blocked} blocked\n", plural(events, "event")));
        }
        if short > 0 {
            console.remark(format_args!("{} cut short by the capture left out", plural(short, "packet")))?;
        }
        if reflected > 0 {
            let what = plural(reflected, "event");
            console.remark(format_args!(
                "{what} of REFLECT left out: its handles see those of the simulation"
            ))?;
        }
        Ok(())
    }
}
