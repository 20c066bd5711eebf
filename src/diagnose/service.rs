//! Services and what is behind them: selector, ports, endpoints, external names, traffic policy.
//!
//! States which single property keeps requests from arriving. Whether someone misses them is not
//! decided here.

mod app_protocol;
mod endpoints;
mod external_name;
mod port;
mod selector;

use super::{Context, FactSpec, Facts};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    selector::NO_MATCH,
    selector::TOO_BROAD,
    port::PORT,
    endpoints::NO_ENDPOINTS,
    endpoints::LOCAL_ONLY,
    endpoints::LOAD_BALANCER,
    external_name::EXTERNAL_NAME,
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for service in &context.state.services {
        if service.spec.r#type == "ExternalName" {
            external_name::examine(context, service, facts);
            continue;
        }
        if !service.spec.selector.is_empty() {
            selector::examine(context, service, facts);
            port::examine(context, service, facts);
            app_protocol::examine(context, service, facts);
            endpoints::examine(context, service, facts);
        }
        endpoints::load_balancer(context, service, facts);
    }
}
