//! One seed decides everything: the same faults at the same instants lead to the same calls and answers.

use sgbind_sim::Fault;

use super::run::{At, play};
use super::scenarios::{self, Scenario};

/// Faults at calls that the seed decides.
fn faults(seed: u64) -> Vec<At> {
    // A generator of its own, as small as can be: what matters is that it is the same in each run.
    let mut state = seed;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    (0..5).map(|_| (draw(40), Fault::ALL[draw(Fault::ALL.len())])).collect()
}

fn hash(scenario: &'static Scenario, seed: u64) -> u64 {
    play(scenario, seed, &faults(seed)).unwrap_or_else(|what| panic!("seed {seed}: {what}")).hash
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for scenario in [&scenarios::CHANGE_OF_PORTS, &scenarios::LOAD_BALANCER_OF_AN_INGRESS_REPLACED] {
        let (first, second, other) = (hash(scenario, 1), hash(scenario, 1), hash(scenario, 2));
        println!("{}: trace hashes: seed 1 {first:016x} and {second:016x}, seed 2 {other:016x}", scenario.name);
        assert_eq!(first, second);
        assert_ne!(first, other);
    }
}
