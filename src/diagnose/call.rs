//! What became of calls: failures in logs joined with what the address means in the cluster, and
//! configured addresses that cannot work.
//!
//! One fact per caller and address, with the single property that differs. Who is to blame is for
//! failure modes to say.

mod configured;
mod failing;

use super::{Context, FactSpec, Facts};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[failing::FAILING, configured::MISCONFIGURED];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    failing::state(context, facts);
    configured::state(context, facts);
}
