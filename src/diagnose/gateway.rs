//! Route tables of gateways in their own configuration, and the route that breaks the pattern.
//!
//! A table says by its other routes how names and targets go together; only a table that does so
//! is judged, and only a route whose own Service exists is called wrong.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::topology::Relation;
use crate::cluster::types::{Ingress, Object};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;
use table::Route;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "gateway.route",
    about: "a route is named after one Service but leads to another, which has its own route, unlike its siblings",
    params: &[
        ("route", "the route's name or path"),
        ("target", "the Service that it leads to"),
        ("expected", "the Service that it is named after"),
        ("siblings", "how many routes of the table lead where their names say"),
        ("config", "where the table is: ConfigMap and key, or Ingress"),
        ("text", "the route as written"),
    ],
    refs: &[
        ("config", "the ConfigMap or Ingress with the table"),
        ("gateway", "the workload that reads it"),
        ("expected", "the Service that misses its requests"),
        ("victim", "the workload behind it"),
        ("target", "the Service that gets them"),
    ],
}];

/// Routes that a table needs before its pattern is believed.
const ENOUGH: usize = 3;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for map in &context.state.config_maps {
        let object = map.object_ref();
        let mut readers: Vec<ObjectRef> = context
            .topology
            .to(&object)
            .filter(|edge| matches!(edge.relation, Relation::Mounts | Relation::References))
            .map(|edge| edge.from.clone())
            .collect();
        readers.sort();
        readers.dedup();
        for (key, text) in map.data.iter().filter(|(_, text)| text.len() <= 262_144) {
            let routes = table::routes(text);
            let place = format!("ConfigMap {} key {key}", map.metadata.name);
            judge(context, &object, readers.first(), &routes, &place, facts);
        }
    }
    ingresses(context, facts);
}

/// All paths of a namespace's Ingresses are one table.
fn ingresses(context: &Context<'_>, facts: &mut Facts) {
    let mut tables: BTreeMap<&str, Vec<(ObjectRef, Route)>> = BTreeMap::new();
    for ingress in &context.state.ingresses {
        let routes = ingress_routes(ingress).into_iter().map(|route| (ingress.object_ref(), route));
        tables.entry(&ingress.metadata.namespace).or_default().extend(routes);
    }
    for rows in tables.into_values() {
        let routes: Vec<Route> = rows.iter().map(|(_, route)| route.clone()).collect();
        let mut owners: Vec<ObjectRef> = rows.iter().map(|(owner, _)| owner.clone()).collect();
        owners.dedup();
        for owner in owners {
            let own: BTreeSet<&str> =
                rows.iter().filter(|(one, _)| *one == owner).map(|(_, route)| route.text.as_str()).collect();
            let mut found = Facts::default();
            judge(context, &owner, None, &routes, &format!("Ingress {}", owner.name), &mut found);
            for fact in found.iter().filter(|fact| own.contains(fact.text("text"))) {
                facts.add(fact.clone());
            }
        }
    }
}

fn ingress_routes(ingress: &Ingress) -> Vec<Route> {
    let mut routes = Vec::new();
    for rule in &ingress.spec.rules {
        for path in &rule.http.paths {
            let Some(service) = &path.backend.service else { continue };
            routes.push(Route {
                labels: vec![rule.host.split('.').next().unwrap_or_default().to_owned(), path.path.clone()],
                host: service.name.clone(),
                text: format!("{}{} → {}", rule.host, path.path, service.name),
            });
        }
    }
    routes
}

/// One route with the Service it leads to.
struct Resolved<'r> {
    route: &'r Route,
    target: &'r str,
    names: BTreeSet<String>,
}

fn judge(
    context: &Context<'_>,
    config: &ObjectRef,
    gateway: Option<&ObjectRef>,
    routes: &[Route],
    place: &str,
    facts: &mut Facts,
) {
    let services: BTreeSet<&str> = net::service_names(context, config.ns()).collect();
    let resolved: Vec<Resolved<'_>> = routes
        .iter()
        .filter_map(|route| {
            let target = *services.get(route.host.split('.').next().unwrap_or_default())?;
            Some((route, target))
        })
        .map(|(route, target)| Resolved {
            route,
            target,
            names: route.labels.iter().flat_map(|label| names(label)).collect(),
        })
        .collect();
    if resolved.len() < ENOUGH {
        return;
    }
    let common = common_words(&services);
    let cores: BTreeMap<String, &str> =
        services.iter().map(|service| (core(service, &common), *service)).collect();
    let fits = |route: &Resolved<'_>| route.names.contains(&core(route.target, &common));
    let fitting = resolved.iter().filter(|route| fits(route)).count();
    if fitting < ENOUGH || fitting * 10 < resolved.len() * 6 {
        return;
    }
    for route in resolved.iter().filter(|route| !fits(route)) {
        let Some(expected) = route.names.iter().find_map(|name| cores.get(name)) else { continue };
        // Where the target has no route of its own, the route may simply have been renamed; where
        // the expected Service is reached by another route, nothing is missing.
        let target_has_own = resolved.iter().any(|other| other.target == route.target && fits(other));
        let expected_reached = resolved.iter().any(|other| other.target == *expected);
        if target_has_own && !expected_reached {
            facts.add(fact(context, config, gateway, route, expected, (place, fitting)));
        }
    }
}

fn fact(
    context: &Context<'_>,
    config: &ObjectRef,
    gateway: Option<&ObjectRef>,
    route: &Resolved<'_>,
    expected: &str,
    (place, siblings): (&str, usize),
) -> Fact {
    let service = |name: &str| ObjectRef::new(Kind::Service, config.ns(), name);
    let victim = net::behind(context, &service(expected)).into_iter().next();
    let mut fact = Fact::new("gateway.route", gateway.unwrap_or(config).clone())
        .param(
            "route",
            route
                .route
                .labels
                .iter()
                .filter(|label| !label.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
        )
        .param("target", route.target)
        .param("expected", expected)
        .param("siblings", siblings)
        .param("config", place)
        .param("text", route.route.text.clone())
        .object("config", config.clone())
        .object("expected", service(expected))
        .object("target", service(route.target))
        .affects(service(expected))
        .evidence([Evidence::spec(config.clone(), place, route.route.text.clone())]);
    if let Some(gateway) = gateway {
        fact = fact.object("gateway", gateway.clone());
    }
    if let Some(victim) = victim {
        fact = fact.object("victim", victim.clone()).affects(victim);
    }
    fact
}

/// The names that a route's id or path may mean: each part, bare and without words like `service`.
fn names(label: &str) -> Vec<String> {
    let mut found = Vec::new();
    for segment in
        label.split(['/', '=', '*', '(', ')', '`', ' ', ',', '{', '}']).filter(|part| !part.is_empty())
    {
        let plain = squash(segment);
        for affix in ["service", "svc", "api"] {
            if let Some(rest) = plain.strip_suffix(affix).filter(|rest| !rest.is_empty()) {
                found.push(rest.to_owned());
            }
        }
        found.push(plain);
    }
    found
}

/// Lower case, letters and digits only: `orderOther`, `order-other` and `order_other` are one name.
fn squash(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Words that most Service names share, such as a prefix of the product or `service`.
fn common_words(services: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for service in services {
        for word in service.split('-').collect::<BTreeSet<_>>() {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut common: BTreeSet<String> = counts
        .into_iter()
        .filter(|(_, count)| *count >= ENOUGH && count * 2 > services.len())
        .map(|(word, _)| word.to_owned())
        .collect();
    common.extend(["service", "svc", "api"].map(str::to_owned));
    common
}

/// What is left of a Service's name without the words that most share.
fn core(service: &str, common: &BTreeSet<String>) -> String {
    let rest: String = service.split('-').filter(|word| !common.contains(*word)).collect();
    if rest.is_empty() { squash(service) } else { squash(&rest) }
}
