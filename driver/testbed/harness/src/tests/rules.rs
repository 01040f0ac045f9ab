//! The double's checks are known to fire: it breaks each rule itself, as a bad client would.

use divert_testbed_model::Rule;

use crate::Check;
use crate::bed::Bed;

/// Rules that are judged when the driver is unloaded.
const AT_UNLOAD: [Rule; 4] = [Rule::ListLeaked, Rule::ObjectLeft, Rule::PoolLeaked, Rule::RequestLeft];

pub(crate) fn fire(bed: &mut Bed) -> Check {
    for rule in Rule::ALL {
        if AT_UNLOAD.contains(&rule) {
            continue;
        }
        bed.misuse(rule)?;
        let findings = bed.findings()?;
        if findings.is_empty() || findings.iter().any(|finding| finding.rule != rule) {
            return Err(format!("{rule:?} was broken, and found is {findings:?}"));
        }
    }
    Ok(())
}

pub(crate) fn left(bed: &mut Bed) -> Check {
    for rule in AT_UNLOAD {
        bed.misuse(rule)?;
        let report = bed.unload()?;
        if report.findings.is_empty() || report.findings.iter().any(|finding| finding.rule != rule) {
            return Err(format!("{rule:?} was broken, and found is\n{report}"));
        }
        bed.reload()?;
    }
    Ok(())
}
