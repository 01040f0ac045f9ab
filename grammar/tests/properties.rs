//! Random trees and random texts: the properties of `divert-fuzz`, more often.

use divert_fuzz::must_hold;
use divert_fuzz::oracle::roundtrip::{any_text, any_tree, parsing};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in "[ -~\\n\\r\\té€\u{feff}]{0,60}") {
        must_hold("parse", parsing(&text));
    }

    #[test]
    fn trees_and_texts_survive_formatting(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        must_hold("parse", any_text(&bytes));
        must_hold("format", any_tree(&bytes));
    }
}
