//! Route tables of gateways in their own configuration, and the route that cannot be meant.
//!
//! A table says by its other routes how names and targets go together; a route that breaks the
//! pattern is called wrong where the table is large enough or logs show that its requests fail. A
//! target that does not exist, or not at that port, needs no pattern.

mod judge;
mod name;
mod table;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, FactSpec, Facts};
use crate::cluster::ObjectRef;
use crate::cluster::topology::Relation;
use crate::cluster::types::{Ingress, Object, Workload};
use judge::Table;
use table::Route;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "gateway.route",
    about: "a route leads where it cannot be meant to: to the Service of another route, to none, or to a port that the Service lacks",
    params: &[
        ("class", "other-service, missing or port"),
        ("route", "the route's name or path"),
        ("target", "the Service, and port if one is written, that it leads to"),
        ("expected", "the Service that it is named after"),
        ("problem", "what is wrong with the target, in words"),
        ("siblings", "how many routes of the table lead where their names say"),
        ("config", "where the table is: ConfigMap and key, workload or Ingress"),
        ("text", "the route as written"),
    ],
    refs: &[
        ("config", "the ConfigMap, workload or Ingress with the table"),
        ("gateway", "the workload that reads it"),
        ("expected", "the Service that misses its requests"),
        ("victim", "the workload behind it"),
        ("target", "the Service that gets them"),
    ],
}];

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
            let table = Table { config: &object, gateway: readers.first(), routes: &routes, place: &place };
            table.judge(context, facts);
        }
    }
    for workload in &context.state.workloads {
        if workload.metadata.controller().is_none() {
            variables(context, workload, facts);
        }
    }
    ingresses(context, facts);
}

/// The table that a workload's environment variables make.
fn variables(context: &Context<'_>, workload: &Workload, facts: &mut Facts) {
    let object = workload.object_ref();
    for container in &workload.template().spec.containers {
        let pairs = container.env.iter().filter_map(|variable| {
            let value = variable.value.as_ref().filter(|value| value.len() <= 2048)?;
            Some((variable.name.to_string(), value.to_string()))
        });
        let routes = text::settings(pairs);
        let place = format!("{object} (env of container {})", container.name);
        let table = Table { config: &object, gateway: Some(&object), routes: &routes, place: &place };
        table.judge(context, facts);
    }
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
            let place = format!("Ingress {}", owner.name);
            let table = Table { config: &owner, gateway: None, routes: &routes, place: &place };
            table.outliers(context, &mut found);
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
            let host = rule.host.split('.').next().unwrap_or_default();
            let labels = vec![host.to_owned(), path.path.to_string()];
            let text = format!("{}{} → {}", rule.host, path.path, service.name);
            routes.extend(Route::new(labels, &service.name).map(|route| Route { text, ..route }));
        }
    }
    routes
}
