//! Which routes of one table cannot be meant, and what shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::name::{common_words, core, names, path};
use super::table::Route;
use crate::cluster::address::{self, Target};
use crate::cluster::types::Object;
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::{Context, Fact, Facts, net};
use crate::evidence::{Evidence, Source};
use crate::redact;

/// Routes that a table needs before its pattern is believed without anything else.
const ENOUGH: usize = 3;
/// Requests by a route that must be seen before all of them are said to fail.
const ALWAYS: usize = 3;
/// Lines of a log that are searched for requests that failed, from its end.
const LINES: usize = 3000;

/// Answers that a request gets which reached the wrong place or none.
#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static ASTRAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:404|405|50[0-4])\b|not found|no static resource|no (?:handler|route|mapping|matching)|cannot (?:get|post|put|delete|patch)",
    )
    .unwrap()
});

/// One route table.
pub(super) struct Table<'t> {
    /// The object that holds it.
    pub(super) config: &'t ObjectRef,
    /// The workload that reads it.
    pub(super) gateway: Option<&'t ObjectRef>,
    /// Its routes.
    pub(super) routes: &'t [Route],
    /// Where in the object it stands.
    pub(super) place: &'t str,
}

/// One route with the Service it leads to.
struct Resolved<'r> {
    route: &'r Route,
    target: ObjectRef,
    names: BTreeSet<String>,
    /// Whether one of the names is the Service's.
    fits: bool,
}

/// The names by which the Services of a namespace may be meant.
struct Known<'a> {
    common: BTreeSet<String>,
    cores: BTreeMap<String, &'a str>,
}

impl<'a> Known<'a> {
    fn of(context: &Context<'a>, namespace: &str) -> Self {
        let services: BTreeSet<&str> = net::service_names(context, namespace).collect();
        let common = common_words(&services);
        let cores = services.iter().map(|service| (core(service, &common), *service)).collect();
        Self { common, cores }
    }
}

/// A request by a route that failed.
struct Astray {
    line: Evidence,
    /// Whether several did, and none did not.
    fails_always: bool,
}

/// What is wrong with a route.
struct Finding<'r> {
    class: &'static str,
    route: &'r Route,
    expected: Option<ObjectRef>,
    problem: String,
    siblings: usize,
    evidence: Vec<Evidence>,
}

impl<'t> Table<'t> {
    /// States every route that cannot be meant.
    pub(super) fn judge(&self, context: &Context<'_>, facts: &mut Facts) {
        self.outliers(context, facts);
        self.unreachable(context, facts);
    }

    /// Routes named after one Service that lead to another.
    pub(super) fn outliers(&self, context: &Context<'_>, facts: &mut Facts) {
        // A route that leads elsewhere is told by another that leads where its name says.
        if self.routes.len() < 2 {
            return;
        }
        let mut known: BTreeMap<String, Known<'_>> = BTreeMap::new();
        let resolved: Vec<Resolved<'_>> = self
            .routes
            .iter()
            .filter_map(|route| {
                let Target::Service(target) = self.target(context, route) else { return None };
                let space = target.ns().to_owned();
                let known = known.entry(space).or_insert_with(|| Known::of(context, target.ns()));
                let names: BTreeSet<String> = route.labels.iter().flat_map(|label| names(label)).collect();
                let fits = names.contains(&core(&target.name, &known.common));
                Some(Resolved { route, target, names, fits })
            })
            .collect();
        let fitting = resolved.iter().filter(|route| route.fits).count();
        let pattern = fitting >= ENOUGH && fitting * 10 >= resolved.len() * 6;
        // Of a few routes one may be an exception; then its requests must be seen to fail.
        if fitting == 0 || fitting * 10 < resolved.len() * 5 {
            return;
        }
        for route in resolved.iter().filter(|route| !route.fits) {
            // Beside the target first, then beside the gateway.
            let spaces = [route.target.ns(), self.config.ns()];
            let meant = spaces.into_iter().find_map(|space| {
                let cores = &known.get(space)?.cores;
                let name = route.names.iter().find_map(|name| cores.get(name).copied())?;
                Some(ObjectRef::new(Kind::Service, space, name))
            });
            let Some(expected) = meant else { continue };
            // Where the expected Service is reached by another route, nothing is missing.
            if resolved.iter().any(|other| other.target == expected) {
                continue;
            }
            let seen = self.astray(context, route.route, Some(&route.target));
            // Where the target has no route of its own, the route may simply have been renamed: then
            // none of its requests may be seen to succeed.
            let target_has_own = resolved.iter().any(|other| other.target == route.target && other.fits);
            let proven = match &seen {
                Some(seen) => target_has_own || seen.fails_always,
                None => target_has_own && pattern,
            };
            if proven {
                let name = net::host_of(&expected, self.config.ns());
                let problem = format!(
                    "though {name} exists, no other route leads there, and {fitting} other routes lead where their names say"
                );
                facts.add(self.fact(
                    context,
                    Finding {
                        class: "other-service",
                        route: route.route,
                        expected: Some(expected),
                        problem,
                        siblings: fitting,
                        evidence: seen.into_iter().map(|seen| seen.line).collect(),
                    },
                ));
            }
        }
    }

    /// What a route leads to; what a registry knows, a Service of that name beside the gateway stands for.
    fn target(&self, context: &Context<'_>, route: &Route) -> Target {
        let first = route.host.split('.').next().unwrap_or_default();
        let own = ObjectRef::new(Kind::Service, self.config.ns(), first);
        match address::resolve(context.state, self.config.ns(), &route.host) {
            Target::Service(service) => Target::Service(service),
            _ if net::service(context, &own).is_some() => Target::Service(own),
            other => other,
        }
    }

    /// Routes by path to a Service that does not exist, or to a port that it lacks.
    fn unreachable(&self, context: &Context<'_>, facts: &mut Facts) {
        let target = |route: &Route| address::resolve(context.state, self.config.ns(), &route.host);
        let works = |route: &&Route| matches!(target(route), Target::Service(_));
        let Some(gateway) = self.gateway.filter(|_| self.routes.len() > 1) else { return };
        let siblings = self.routes.iter().filter(works).count();
        for route in self.routes.iter().filter(|route| route.labels.iter().any(|label| path(label).is_some()))
        {
            let found = match target(route) {
                Target::Missing(missing) if siblings > 0 => self.missing(context, gateway, route, &missing),
                Target::Service(service) if siblings > 1 => self.wrong_port(context, route, &service),
                _ => None,
            };
            if let Some(found) = found {
                facts.add(self.fact(context, Finding { siblings: siblings.saturating_sub(1), ..found }));
            }
        }
    }

    fn missing<'r>(
        &self,
        context: &Context<'r>,
        gateway: &ObjectRef,
        route: &'r Route,
        missing: &ObjectRef,
    ) -> Option<Finding<'r>> {
        // A workload of that name lacks its Service: then that is what is missing.
        if net::namesake(context, missing.ns(), &missing.name).is_some() {
            return None;
        }
        let expected = net::nearest(&missing.name, net::service_names(context, missing.ns()));
        let failed = context
            .logs
            .of(gateway)
            .filter(|finding| !finding.recovered && finding.class == "call")
            .find(|finding| finding.target.as_ref().is_some_and(|target| target.host == route.host));
        let reached = |name: &str| self.routes.iter().any(|other| other.host.split('.').next() == Some(name));
        // What a registry of its own resolves need be no Service.
        let implied = !route.by_registry && expected.is_some_and(|name| !reached(name));
        if failed.is_none() && !implied {
            return None;
        }
        let problem = match expected {
            Some(expected) => format!("which does not exist; the Service that exists is {expected}"),
            None => "which does not exist".to_owned(),
        };
        let mut evidence = vec![Evidence::absence(missing.clone(), "no such Service")];
        evidence.extend(failed.map(net::line));
        let expected = expected.map(|name| ObjectRef::new(Kind::Service, missing.ns(), name));
        Some(Finding { class: "missing", route, expected, problem, siblings: 0, evidence })
    }

    fn wrong_port<'r>(
        &self,
        context: &Context<'r>,
        route: &'r Route,
        service: &ObjectRef,
    ) -> Option<Finding<'r>> {
        let service = net::service(context, service)?;
        let port = i64::from(route.port?);
        let ports = &service.spec.ports;
        let mapped = service.spec.cluster_ip == "None" || ports.iter().any(|own| own.port == port);
        if mapped || ports.is_empty() {
            return None;
        }
        // A route that nobody uses harms nobody.
        let seen = self.astray(context, route, None)?;
        let known = net::addresses_of(service);
        Some(Finding {
            class: "port",
            route,
            expected: Some(service.object_ref()),
            problem: format!("a port that the Service does not have; it has {known}"),
            siblings: 0,
            evidence: vec![seen.line],
        })
    }

    /// A line in the gateway's or the target's log that says that a request by this route failed.
    fn astray(&self, context: &Context<'_>, route: &Route, target: Option<&ObjectRef>) -> Option<Astray> {
        let behind = target.into_iter().flat_map(|service| net::behind(context, service));
        let workloads: BTreeSet<ObjectRef> = self.gateway.cloned().into_iter().chain(behind).collect();
        let paths: Vec<&str> = route.labels.iter().filter_map(|label| path(label)).collect();
        let of_route = |line: &str| {
            paths.iter().any(|path| {
                line.contains(path) || line.contains(&format!(" {}/", path.trim_start_matches('/')))
            })
        };
        let mut found: Option<Evidence> = None;
        let (mut failed, mut served) = (0_usize, 0_usize);
        for (key, log) in context.state.logs.iter() {
            let pod = ObjectRef::new(Kind::Pod, &key.namespace, &key.pod);
            if !workloads.contains(&context.topology.workload_of(&pod)) {
                continue;
            }
            for line in log.text.lines().rev().take(LINES).filter(|line| of_route(line)) {
                if !ASTRAY.is_match(line) {
                    served += 1;
                    continue;
                }
                failed += 1;
                found.get_or_insert_with(|| {
                    let line: String = redact::text(line).chars().take(300).collect();
                    let place = format!("log of {}", key.container);
                    Evidence::new(Source::Log, pod.clone(), place, "request-astray").excerpt(line)
                });
            }
        }
        found.map(|line| Astray { line, fails_always: failed >= ALWAYS && served == 0 })
    }

    fn fact(&self, context: &Context<'_>, found: Finding<'_>) -> Fact {
        let route = found.route;
        let target = match self.target(context, route) {
            Target::Service(service) | Target::Missing(service) => service,
            _ => {
                let first = route.host.split('.').next().unwrap_or_default();
                ObjectRef::new(Kind::Service, self.config.ns(), first)
            }
        };
        let labels: Vec<&str> =
            route.labels.iter().map(String::as_str).filter(|label| !label.is_empty()).collect();
        let mut fact = Fact::new("gateway.route", self.gateway.unwrap_or(self.config).clone())
            .param("class", found.class)
            .param("route", labels.join(" "))
            .param("target", route.target.clone())
            .param("problem", found.problem)
            .param("siblings", found.siblings)
            .param("config", self.place)
            .param("text", route.text.clone())
            .object("config", self.config.clone())
            .object("target", target)
            .evidence([Evidence::spec(self.config.clone(), self.place, route.text.clone())])
            .evidence(found.evidence);
        if let Some(gateway) = self.gateway {
            fact = fact.object("gateway", gateway.clone());
        }
        if let Some(expected) = found.expected {
            fact = fact
                .param("expected", net::host_of(&expected, self.config.ns()))
                .object("expected", expected.clone())
                .affects(expected.clone());
            if let Some(victim) = net::behind(context, &expected).into_iter().next() {
                fact = fact.object("victim", victim.clone()).affects(victim);
            }
        }
        fact
    }
}
