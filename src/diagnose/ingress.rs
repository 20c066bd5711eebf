//! Ingresses whose requests cannot arrive: class, backend, port, secret, controller, duplicates.
//!
//! The status is no evidence: many controllers never write it.

mod body;

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::types::{Ingress, IngressBackend, IngressPath, Object};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "ingress.backend",
        about: "a path of an Ingress leads to a Service or port that does not exist",
        params: &[
            ("class", "service-missing or port"),
            ("host", "the host"),
            ("path", "the path"),
            ("backend", "the Service's name"),
            ("port", "the port as stated"),
            ("nearest", "the Service or ports that were probably meant"),
        ],
        refs: &[("service", "the Service that is missing or lacks the port")],
    },
    FactSpec {
        name: "ingress.class",
        about: "no controller takes the Ingress: its class does not exist, or it has none and none is default",
        params: &[
            ("class", "missing or none"),
            ("name", "the class that it names"),
            ("known", "the classes that exist"),
            ("nearest", "the class that was probably meant"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "ingress.tls-secret",
        about: "the Secret of an Ingress's certificate does not exist",
        params: &[("secret", "the Secret's name"), ("hosts", "the hosts that it is for")],
        refs: &[("secret", "the missing Secret")],
    },
    FactSpec {
        name: "ingress.duplicate",
        about: "two Ingresses of one class claim the same host and path for different Services",
        params: &[
            ("host", "the host"),
            ("path", "the path"),
            ("backends", "the Services, the older Ingress's first"),
        ],
        refs: &[("older", "the Ingress that was there first")],
    },
    FactSpec {
        name: "ingress.controller",
        about: "the controller that serves the Ingress's class has no ready pod",
        params: &[("controller", "the controller's name"), ("class", "the class")],
        refs: &[("workload", "the controller's workload")],
    },
    body::FACT,
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for ingress in &context.state.ingresses {
        backends(context, ingress, facts);
        class(context, ingress, facts);
        tls(context, ingress, facts);
        duplicate(context, ingress, facts);
        controller(context, ingress, facts);
    }
    body::run(context, facts);
}

/// Every path with its host; the default backend has neither.
fn routes(ingress: &Ingress) -> impl Iterator<Item = (&str, &str, &IngressBackend)> {
    let paths = ingress.spec.rules.iter().flat_map(|rule| {
        rule.http.paths.iter().map(|path| (rule.host.as_str(), path.path.as_str(), &path.backend))
    });
    paths.chain(ingress.spec.default_backend.iter().map(|backend| ("", "", backend)))
}

fn backends(context: &Context<'_>, ingress: &Ingress, facts: &mut Facts) {
    let namespace = ingress.metadata.namespace.as_str();
    for (host, path, backend) in routes(ingress) {
        let Some(backend) = &backend.service else { continue };
        let object = ObjectRef::new(Kind::Service, namespace, &backend.name);
        let port = if backend.port.name.is_empty() {
            backend.port.number.to_string()
        } else {
            backend.port.name.to_string()
        };
        let stated = Evidence::spec(
            ingress.object_ref(),
            "spec.rules[].http.paths[].backend.service",
            format!("{host}{path} → {}:{port}", backend.name),
        );
        let fact = Fact::new("ingress.backend", ingress.object_ref())
            .param("host", if host.is_empty() { "any host" } else { host })
            .param("path", if path.is_empty() { "/" } else { path })
            .param("backend", backend.name.clone())
            .param("port", port)
            .object("service", object.clone())
            .evidence([stated]);
        let Some(service) = net::service(context, &object) else {
            if context.state.exists(&Kind::Service, namespace, &backend.name) == Truth::False {
                let near = net::nearest(&backend.name, net::service_names(context, namespace));
                let mut fact = fact
                    .param("class", "service-missing")
                    .evidence([Evidence::absence(object, "no such Service")]);
                if let Some(near) = near {
                    fact = fact.param("nearest", near);
                }
                facts.add(fact);
            }
            continue;
        };
        let ports = &service.spec.ports;
        let has = ports.iter().any(|own| {
            if backend.port.name.is_empty() {
                own.port == backend.port.number
            } else {
                own.name == backend.port.name
            }
        });
        if !has && !ports.is_empty() && (backend.port.number != 0 || !backend.port.name.is_empty()) {
            let known = ports.iter().map(net::port_label).collect::<Vec<_>>().join(", ");
            facts.add(
                fact.param("class", "port").param("nearest", known.clone()).evidence([Evidence::spec(
                    object,
                    "spec.ports[]",
                    known,
                )]),
            );
        }
    }
}

const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
const OLD_CLASS: &str = "kubernetes.io/ingress.class";

fn class(context: &Context<'_>, ingress: &Ingress, facts: &mut Facts) {
    if !context.state.was_read(&Kind::IngressClass, "") {
        return;
    }
    let name = ingress.spec.ingress_class_name.as_str();
    let classes = || context.state.ingress_classes.iter();
    let known: Vec<&str> = classes().map(|class| class.metadata.name.as_str()).collect();
    let fact = Fact::new("ingress.class", ingress.object_ref())
        .param("known", known.clone())
        .evidence([Evidence::spec(ingress.object_ref(), "spec.ingressClassName", name)]);
    if !name.is_empty() {
        if !known.contains(&name) {
            let absent =
                Evidence::absence(ObjectRef::cluster(Kind::IngressClass, name), "no such IngressClass");
            let mut fact = fact.param("class", "missing").param("name", name).evidence([absent]);
            let near = net::nearest(name, known.iter().copied());
            if let Some(near) = near.or(if let [only] = known.as_slice() { Some(*only) } else { None }) {
                fact = fact.param("nearest", near);
            }
            facts.add(fact);
        }
        return;
    }
    let default = classes().any(|class| class.metadata.annotation(DEFAULT_CLASS) == "true");
    // Some controllers take Ingresses without a class; a cluster with no class at all may run one.
    if ingress.metadata.annotation(OLD_CLASS).is_empty() && !default && !known.is_empty() {
        let mut fact = fact.param("class", "none");
        if let [only] = known.as_slice() {
            fact = fact.param("nearest", *only);
        }
        facts.add(fact);
    }
}

fn tls(context: &Context<'_>, ingress: &Ingress, facts: &mut Facts) {
    let namespace = ingress.metadata.namespace.as_str();
    for tls in ingress.spec.tls.iter().filter(|tls| !tls.secret_name.is_empty()) {
        if context.state.exists(&Kind::Secret, namespace, &tls.secret_name) == Truth::False {
            let secret = ObjectRef::new(Kind::Secret, namespace, &tls.secret_name);
            facts.add(
                Fact::new("ingress.tls-secret", ingress.object_ref())
                    .param("secret", tls.secret_name.clone())
                    .param("hosts", tls.hosts.to_vec())
                    .object("secret", secret.clone())
                    .evidence([
                        Evidence::spec(
                            ingress.object_ref(),
                            "spec.tls[].secretName",
                            tls.secret_name.clone(),
                        ),
                        Evidence::absence(secret, "no such Secret"),
                    ]),
            );
        }
    }
}

fn duplicate(context: &Context<'_>, ingress: &Ingress, facts: &mut Facts) {
    // Canary and mergeable Ingresses repeat a host and path on purpose.
    let shares = |ingress: &Ingress| {
        ingress.metadata.annotations.0.iter().any(|(key, value)| {
            (key.ends_with("/canary") && value == "true")
                || key.contains("mergeable")
                || key.contains("canary-")
        })
    };
    if shares(ingress) {
        return;
    }
    let age = |ingress: &Ingress| (ingress.metadata.creation_timestamp, ingress.metadata.name.clone());
    for other in context.state.ingresses.iter().filter(|other| !shares(other)) {
        let older = other.spec.ingress_class_name == ingress.spec.ingress_class_name
            && other.object_ref() != ingress.object_ref()
            && age(other) < age(ingress);
        if !older {
            continue;
        }
        for (host, path, own) in same_paths(ingress, other) {
            let names: Vec<String> = [other_backend(other, host, path), own].into_iter().flatten().collect();
            if let [first, second] = names.as_slice()
                && first != second
            {
                facts.add(
                    Fact::new("ingress.duplicate", ingress.object_ref())
                        .param("host", host)
                        .param("path", path.path.clone())
                        .param("backends", names.clone())
                        .object("older", other.object_ref())
                        .affects(other.object_ref())
                        .evidence([
                            Evidence::spec(
                                other.object_ref(),
                                "spec.rules",
                                format!("{host}{} → {first}", path.path),
                            ),
                            Evidence::spec(
                                ingress.object_ref(),
                                "spec.rules",
                                format!("{host}{} → {second}", path.path),
                            ),
                        ]),
                );
            }
        }
    }
}

fn service_name(backend: &IngressBackend) -> Option<String> {
    backend.service.as_ref().map(|service| service.name.to_string())
}

/// Paths of the first Ingress that the second has as well.
fn same_paths<'i>(
    ingress: &'i Ingress,
    other: &'i Ingress,
) -> Vec<(&'i str, &'i IngressPath, Option<String>)> {
    let mut same = Vec::new();
    for rule in ingress.spec.rules.iter().filter(|rule| !rule.host.is_empty()) {
        for path in &rule.http.paths {
            if other_backend(other, &rule.host, path).is_some() {
                same.push((rule.host.as_str(), path, service_name(&path.backend)));
            }
        }
    }
    same
}

fn other_backend(other: &Ingress, host: &str, path: &IngressPath) -> Option<String> {
    other
        .spec
        .rules
        .iter()
        .filter(|rule| rule.host == host)
        .flat_map(|rule| &rule.http.paths)
        .find(|own| own.path == path.path && own.path_type == path.path_type)
        .and_then(|own| service_name(&own.backend))
}

/// Words of `IngressClass.spec.controller` and of the images of the controllers that answer to them.
const CONTROLLERS: [(&str, &[&str]); 6] = [
    ("ingress-nginx", &["ingress-nginx", "nginx-ingress-controller"]),
    ("nginx.org", &["nginx-ingress", "kubernetes-ingress"]),
    ("traefik", &["traefik"]),
    ("haproxy", &["haproxy-ingress", "kubernetes-ingress"]),
    ("contour", &["contour"]),
    ("kong", &["kong", "kubernetes-ingress-controller"]),
];

fn controller(context: &Context<'_>, ingress: &Ingress, facts: &mut Facts) {
    let name = ingress.spec.ingress_class_name.as_str();
    let class = context.state.ingress_classes.iter().find(|class| {
        if name.is_empty() {
            class.metadata.annotation(DEFAULT_CLASS) == "true"
        } else {
            class.metadata.name == name
        }
    });
    let Some(class) = class else { return };
    let Some((_, words)) = CONTROLLERS.iter().find(|(word, _)| class.spec.controller.contains(word)) else {
        return;
    };
    let runs = |workload: &&ObjectRef| {
        net::spec_of(context, workload).is_some_and(|spec| {
            spec.containers.iter().any(|container| words.iter().any(|word| container.image.contains(word)))
        })
    };
    let kinds = [Kind::Deployment, Kind::DaemonSet, Kind::StatefulSet];
    let all: Vec<ObjectRef> = context
        .state
        .workloads
        .iter()
        .filter(|one| kinds.contains(&one.kind))
        .map(Object::object_ref)
        .collect();
    let serving: Vec<&ObjectRef> = all.iter().filter(runs).collect();
    let Some(workload) = serving.first() else { return };
    if serving.iter().any(|one| net::any_ready(context, one))
        || !context.state.was_read(&Kind::Pod, workload.ns())
    {
        return;
    }
    facts.add(
        Fact::new("ingress.controller", ingress.object_ref())
            .param("controller", class.spec.controller.clone())
            .param("class", class.metadata.name.clone())
            .object("workload", (*workload).clone())
            .evidence([Evidence::status((*workload).clone(), "status.readyReplicas", "0")]),
    );
}
