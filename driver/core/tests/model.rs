//! Random interleavings of all operations over several handles of all layers against a model that is as simple as the
//! reference's sentences: lists of packets, no locks, no classes, no fast path. Everything that can be seen of both is
//! the same after every step: verdicts, what receives got with their address records, what is in the stack's hands, and
//! every counter.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "model/model.rs"]
mod model;
#[path = "model/steps.rs"]
mod steps;
#[path = "model/traffic.rs"]
mod traffic;
#[path = "model/world.rs"]
mod world;

use proptest::prelude::*;
use steps::{HANDLES, Step, step};
use world::World;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(800) })]

    #[test]
    fn the_driver_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.compare();
        }
        for at in 0..HANDLES {
            world.step(Step::Close(at));
            world.compare();
        }
        world.end();
    }
}
