//! Explaining records one after the other.

use clap::ValueEnum;
use divert_compiler::explain::{Explainer, Explanation, shown};
use divert_vm::input::Input;

use super::{Judge, Name};
use crate::eval::report::Shown;
use crate::finding::SourceText;
use crate::render::Style;
use crate::render::explanation::{self, Explained, Line};

/// Which records are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Those that match
    Matches,
    /// Those that do not
    Misses,
}

/// Explains records.
pub(crate) struct Explain<'e> {
    /// Of a record's input, with all times.
    pub(crate) judge: Judge<'e>,
    /// Of the filter.
    pub(crate) explainer: &'e Explainer<'e>,
    /// The filter's text.
    pub(crate) source: &'e SourceText,
    /// Which records; `None` for all.
    pub(crate) which: Option<Which>,
    /// How text for people looks; `None` for JSON.
    pub(crate) style: Option<Style>,
}

impl Explain<'_> {
    /// Says why the record matches or not, if that is asked for.
    pub(crate) fn tell(&self, name: &Name, shown: &Shown<'_>, text: &mut Vec<u8>) {
        let wanted = match self.which {
            None => true,
            Some(Which::Matches) => shown.matched(),
            Some(Which::Misses) => !shown.matched(),
        };
        if !wanted {
            return;
        }
        let seen = shown.see(&self.judge, |input| {
            if input.layer() != self.judge.layer() {
                return None;
            }
            let explanation = self.explainer.explain(input);
            Some((explanation.verdict, self.lines(&explanation, input)))
        });
        let lines = seen.flatten();
        let judged = lines.is_some();
        let (verdict, lines) = lines.unwrap_or_default();
        let what = shown.to_string();
        let explained = Explained {
            input: &name.given,
            index: shown.index(),
            what: what.trim(),
            judged,
            // The program's word; both are the same unless something is broken.
            matched: shown.matched(),
            agrees: verdict == shown.matched(),
            source: self.source,
            lines,
        };
        let explained = match &self.style {
            None => explanation::json(&explained),
            Some(style) => explanation::human(&explained, style),
        };
        text.extend(explained.as_bytes());
    }

    fn lines(&self, explanation: &Explanation, input: &Input<'_>) -> Vec<Line> {
        let mut lines: Vec<Line> = self.explainer.tests().iter().map(|site| Line::new(site.span)).collect();
        for evaluated in &explanation.evaluated {
            if let (Some(line), Some(site)) =
                (lines.get_mut(evaluated.test), self.explainer.tests().get(evaluated.test))
            {
                line.outcome = Some(evaluated.outcome);
                line.value = evaluated.value.as_ref().map(|value| shown(value, site.test, input));
                line.decides = evaluated.decides;
            }
        }
        lines
    }
}
