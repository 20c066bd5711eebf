//! Confidence: a small table over proof, contradiction, distance, rivals and fit.
//!
//! The numbers are calibrated on labelled incidents so that `high` is right at least 95 times
//! in 100. They are few on purpose: what proves a cause is the diagnosers' business.

use crate::knowledge::{Proof, Role};
use crate::report::model::{Confidence, Level};

use super::depend::Strength;
use super::explain::Link;

/// What a hypothesis rests on.
#[derive(Clone, Debug)]
pub struct Basis {
    /// Strength of proof.
    pub proof: Proof,
    /// Cause or effect.
    pub role: Role,
    /// `supports` that matched.
    pub supported: usize,
    /// `contradicts` that matched.
    pub contradicted: usize,
    /// Dependencies between the cause and the symptom described.
    pub hops: usize,
    /// The weakest of them.
    pub weakest: Strength,
    /// Another cause explains the same as well as this one.
    pub rival: bool,
    /// Other independent faults explain as much, and the description does not tell which is meant.
    pub divided: bool,
    /// A name of the description was not found.
    pub not_found: bool,
    /// A blind spot hides what would tell.
    pub blind: bool,
    /// The description's symptom words fit none of the symptoms explained.
    pub misfit: bool,
    /// The symptom described is seen on something that this does not explain.
    pub elsewhere: bool,
    /// It is not what explains the description best: an alternative.
    pub alternative: bool,
    /// It may be meant so or harm nobody, and the description does not point at it.
    pub unasked: bool,
    /// What ties it to the description.
    pub link: Link,
}

const DECISIVE: f64 = 0.96;
const COMPUTED: f64 = 0.92;
const SUGGESTIVE: f64 = 0.50;
const EFFECT: f64 = 0.20;
const SUPPORT: f64 = 0.01;
const CONTRADICTION: f64 = 0.20;
const HOP: f64 = 0.005;
const CONFIGURED_CAP: f64 = 0.70;
const RIVAL_CAP: f64 = 0.75;
const DIVIDED_CAP: f64 = 0.85;
const NOT_FOUND_CAP: f64 = 0.85;
const BLIND_CAP: f64 = 0.85;
const MISFIT: f64 = 0.02;
const ELSEWHERE_CAP: f64 = 0.80;
const ALTERNATIVE_CAP: f64 = 0.45;
const UNASKED_CAP: f64 = 0.25;
const CALLER_CAP: f64 = 0.75;
const SERVES_CAP: f64 = 0.80;
const ECHO_CAP: f64 = 0.70;
const NEAR_CAP: f64 = 0.40;
const LIKELY_CAP: f64 = 0.85;

impl Basis {
    /// The confidence; none where it is too low for a hypothesis.
    pub fn confidence(&self) -> Option<Confidence> {
        let mut why = Vec::new();
        let mut score = match self.proof {
            Proof::Decisive => DECISIVE,
            Proof::Computed => COMPUTED,
            Proof::Suggestive => SUGGESTIVE,
        };
        why.push(match self.proof {
            Proof::Decisive => "decisive: stated by a component of the cluster".to_owned(),
            Proof::Computed => "computed from what was read".to_owned(),
            Proof::Suggestive => "fits, but other causes would look the same".to_owned(),
        });
        if self.role == Role::Effect {
            score -= EFFECT;
            why.push("no mechanism beneath it was found".to_owned());
        }
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        {
            score += SUPPORT * self.supported.min(3) as f64;
            score -= CONTRADICTION * self.contradicted as f64;
            score -= HOP * self.hops as f64;
        }
        if self.contradicted > 0 {
            why.push("contradicted by other facts".to_owned());
        }
        if self.misfit {
            score -= MISFIT;
            why.push("the symptom described is another".to_owned());
        }
        let caps = [
            (
                self.hops > 0 && self.weakest == Strength::Configured,
                CONFIGURED_CAP,
                "the call is configured, not seen to fail",
            ),
            (
                self.hops > 0 && self.weakest == Strength::Likely,
                LIKELY_CAP,
                "calls fail, but the log does not say which",
            ),
            (
                self.link == Link::Caller,
                CALLER_CAP,
                "what is described is well, this is about a workload that calls it",
            ),
            (
                self.link == Link::Serves,
                SERVES_CAP,
                "what is described is well as far as it can be seen, this is about a controller that works on it",
            ),
            (self.link == Link::Echoes, ECHO_CAP, "only the description's words point at it"),
            (
                self.link == Link::Near,
                NEAR_CAP,
                "it is where the complaint is, but nothing ties it to what is described",
            ),
            (self.rival, RIVAL_CAP, "another cause explains the same"),
            (self.divided, DIVIDED_CAP, "several independent faults"),
            (self.not_found, NOT_FOUND_CAP, "a name of the description was not found"),
            (self.blind, BLIND_CAP, "a blind spot covers it"),
            (self.elsewhere, ELSEWHERE_CAP, "what is described is seen elsewhere"),
            (self.alternative, ALTERNATIVE_CAP, "an alternative to the first"),
            (self.unasked, UNASKED_CAP, "it may be meant so, and the description does not point at it"),
        ];
        for (holds, cap, reason) in caps {
            if holds && score > cap {
                score = cap;
                why.push(format!("capped by: {reason}"));
            }
        }
        let score = (score.clamp(0.0, 0.99) * 100.0).round() / 100.0;
        Some(Confidence { level: Level::of(score)?, score, why: why.join("; ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(proof: Proof) -> Basis {
        Basis {
            proof,
            role: Role::Cause,
            supported: 0,
            contradicted: 0,
            hops: 0,
            weakest: Strength::Proven,
            rival: false,
            divided: false,
            not_found: false,
            blind: false,
            misfit: false,
            elsewhere: false,
            alternative: false,
            unasked: false,
            link: Link::Explains,
        }
    }

    fn level(basis: &Basis) -> Option<Level> {
        basis.confidence().map(|confidence| confidence.level)
    }

    #[test]
    fn proof_decides_the_level() {
        assert_eq!(level(&basis(Proof::Decisive)), Some(Level::High));
        assert_eq!(level(&basis(Proof::Computed)), Some(Level::High));
        assert_eq!(level(&basis(Proof::Suggestive)), Some(Level::Low));
    }

    #[test]
    fn a_name_not_found_and_a_rival_cap_at_medium() {
        assert_eq!(level(&Basis { not_found: true, ..basis(Proof::Decisive) }), Some(Level::Medium));
        assert_eq!(level(&Basis { rival: true, ..basis(Proof::Decisive) }), Some(Level::Medium));
    }

    #[test]
    fn what_is_described_elsewhere_caps_at_medium() {
        assert_eq!(level(&Basis { elsewhere: true, ..basis(Proof::Decisive) }), Some(Level::Medium));
    }

    #[test]
    fn contradictions_end_a_hypothesis() {
        assert_eq!(level(&Basis { contradicted: 2, ..basis(Proof::Suggestive) }), None);
    }
}
