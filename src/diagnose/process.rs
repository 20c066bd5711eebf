//! What a process misses or collides with in its own pod: variables, ports.
//!
//! Starts from what the log says and looks in the specs for what makes it true.

mod bind;
mod setting;
mod slip;

use super::container::{Instance, instances, state};
use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::types::{KeySelector, Service, Text};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::{Evidence, Source};
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "env.missing",
        about: "the process ends because an environment variable that it needs is not there",
        params: &[
            ("variable", "the variable"),
            ("container", "the container"),
            ("closest", "a variable of nearly this name that the container does have"),
            (
                "state",
                "absent, empty, unbound (an optional reference to what does not exist) or set: what the spec says of it",
            ),
            ("removed", "yes where the previous revision had it"),
            ("line", "the log line"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "env.refused",
        about: "the process ends because it does not accept the value of a variable",
        params: &[
            ("setting", "the variable"),
            ("value", "its value"),
            ("place", "where the value stands: the ConfigMap, or the template"),
            ("container", "the container"),
            ("line", "the log line"),
        ],
        refs: &[("config", "the ConfigMap that the value stands in")],
    },
    FactSpec {
        name: "port.denied",
        about: "a container may not listen on its port, which is below 1024",
        params: &[
            ("port", "the port"),
            ("container", "the container"),
            ("user", "the user that the spec has it run as, where that is not root"),
            ("dropped", "the capability that the spec takes from it"),
            ("host_network", "whether the pod is in the node's network"),
            ("line", "the log line"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "env.collision",
        about: "a variable that Kubernetes injects for a Service is read as the application's own setting",
        params: &[
            ("variable", "the variable"),
            ("container", "the container"),
            ("service", "the Service it is injected for"),
            ("line", "the log line"),
        ],
        refs: &[("service", "the Service")],
    },
    FactSpec {
        name: "port.conflict",
        about: "a container cannot listen because its port is taken",
        params: &[
            ("port", "the port"),
            ("container", "the container that cannot listen"),
            ("by", "sibling, itself or host"),
            ("sibling", "the container of the same pod that has the port"),
            ("known_by", "declared, log, args or elimination: how the holder is known"),
            ("line", "the log line"),
        ],
        refs: &[],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context) {
        let own = context.logs.of(instance.workload).filter(|finding| {
            finding.key.container == instance.name()
                && !finding.recovered
                && finding.key.pod == instance.pod.metadata.name
        });
        for finding in own {
            if finding.signature == "missing-env"
                && let Some(fact) = unbound(context, &instance, finding)
            {
                facts.add(fact);
            }
            let fact = match finding.signature {
                "missing-env" => missing(context, &instance, finding),
                "bind-denied" => bind::denied(&instance, finding),
                "service-env-collision" => collision(context, &instance, finding),
                "address-in-use" => Some(conflict(context, &instance, finding)),
                _ => setting::refused(context, &instance, finding),
            };
            if let Some(fact) = fact {
                state(facts, fact.evidence([net::line(finding)]).since(finding.first));
            }
        }
        if let Some(fact) = slip::renamed(context, &instance) {
            state(facts, fact);
        }
    }
}

fn missing(context: &Context<'_>, instance: &Instance<'_>, finding: &LogFinding) -> Option<Fact> {
    let variable = &variable_name(finding)?;
    let names = variables(context, instance);
    let set = instance.spec.and_then(|spec| spec.env.iter().find(|own| own.name == *variable));
    let word = match set {
        Some(_) if dangling(context, instance, variable).is_some() => "unbound",
        Some(own) if own.value_from.is_none() && own.value.as_deref().unwrap_or_default().is_empty() => {
            "empty"
        }
        Some(_) => "set",
        None if names.iter().any(|name| name == variable) => "set",
        None => "absent",
    };
    let mut fact = Fact::new("env.missing", instance.workload.clone())
        .param("variable", variable.clone())
        .param("container", instance.name())
        .param("state", word)
        .param("line", finding.excerpt.clone());
    if word == "absent" {
        fact = fact.evidence([Evidence::absence(
            instance.pod_ref(),
            format!("env {variable} of container {}", instance.name()),
        )]);
        if let Some(closest) = names.iter().find(|name| slip::is_typo(name, variable)) {
            fact = fact.param("closest", closest.clone()).evidence([Evidence::spec(
                instance.pod_ref(),
                format!("spec.containers[{}].env", instance.name()),
                closest.clone(),
            )]);
        }
    }
    let removed = format!("env {variable} removed");
    let changes = super::revision::changes_of(context, instance.workload);
    if let Some(change) = changes.into_iter().find(|change| change.what == removed) {
        fact = fact.param("removed", "yes").evidence([Evidence::new(
            Source::Change,
            change.object,
            "spec.template",
            change.what,
        )
        .at(change.when)]);
    }
    Some(fact)
}

/// The variable that a line misses, as it stands in a spec: settings libraries tell it by its
/// field, `database_url`, or property, `spring.datasource.url`.
fn variable_name(finding: &LogFinding) -> Option<String> {
    let name = finding.params.get("variable").or(finding.params.get("name"))?;
    let field = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c));
    Some(if field { name.replace('.', "_").replace('-', "").to_uppercase() } else { name.clone() })
}

/// An optional reference to what does not exist leaves a variable unset, and the container starts.
fn dangling<'a>(
    context: &Context<'a>,
    instance: &Instance<'a>,
    variable: &str,
) -> Option<(Kind, &'a KeySelector, bool)> {
    let own = instance.spec?.env.iter().find(|own| own.name == variable)?;
    let from = own.value_from.as_ref()?;
    let secret = from.secret_key_ref.as_ref().map(|selector| (Kind::Secret, selector));
    let config = || from.config_map_key_ref.as_ref().map(|selector| (Kind::ConfigMap, selector));
    let (kind, selector) = secret.or_else(config).filter(|(_, selector)| selector.optional)?;
    let absent = context.state.exists(&kind, instance.namespace(), &selector.name) == Truth::False;
    let keyless =
        super::reference::has_key(context, &kind, instance.namespace(), &selector.name, &selector.key)
            == Some(false);
    (absent || keyless).then_some((kind, selector, absent))
}

/// What the variable that the process misses refers to, and is not there.
fn unbound(context: &Context<'_>, instance: &Instance<'_>, finding: &LogFinding) -> Option<Fact> {
    let variable = variable_name(finding)?;
    let (kind, selector, absent) = dangling(context, instance, &variable)?;
    let object = ObjectRef::new(kind.clone(), instance.namespace(), &selector.name);
    let what = if absent { "does not exist".to_owned() } else { format!("no key {}", selector.key) };
    let fact = Fact::new("reference.missing", instance.workload.clone())
        .param("kind", kind.as_str())
        .param("missing", if absent { "object" } else { "key" })
        .param("name", selector.name.clone())
        .param("container", instance.name())
        .param("place", format!("env {variable}, optional"))
        .param("certainty", "computed")
        .param("line", finding.excerpt.clone())
        .evidence([Evidence::absence(object.clone(), what), net::line(finding)])
        .object("object", object)
        .since(finding.first);
    Some(if absent { fact } else { fact.param("key", selector.key.clone()) })
}

/// Names of the variables that the spec gives a container.
fn variables(context: &Context<'_>, instance: &Instance<'_>) -> Vec<String> {
    let Some(spec) = instance.spec else { return Vec::new() };
    let mut names: Vec<String> = spec.env.iter().map(|variable| variable.name.to_string()).collect();
    for source in &spec.env_from {
        let namespace = instance.namespace();
        let map = source
            .config_map_ref
            .as_ref()
            .and_then(|map| context.state.config_maps.get(namespace, &map.name));
        let secret =
            source.secret_ref.as_ref().and_then(|secret| context.state.secrets.get(namespace, &secret.name));
        let owned = |meta: &crate::cluster::types::Meta| -> Vec<String> {
            meta.managed_fields
                .iter()
                .flat_map(|writer| writer.fields.data.iter().map(Text::to_string))
                .collect()
        };
        let keys = map
            .map(|map| map.data.keys().map(Text::to_string).chain(owned(&map.metadata)).collect::<Vec<_>>())
            .into_iter()
            .chain(secret.map(|secret| {
                secret.keys.0.iter().map(Text::to_string).chain(owned(&secret.metadata)).collect()
            }));
        names.extend(keys.flatten().map(|key| format!("{}{key}", source.prefix)));
    }
    names
}

/// `REDIS_PORT` is `tcp://10.0.0.1:6379` wherever a Service `redis` existed when the pod started.
fn collision(context: &Context<'_>, instance: &Instance<'_>, finding: &LogFinding) -> Option<Fact> {
    if instance.pod.spec.enable_service_links == Some(false) {
        return None;
    }
    let services = context.state.services.in_namespace(instance.namespace());
    let prefix = |service: &Service| service.metadata.name.to_uppercase().replace('-', "_");
    let implied = || finding.params.get("name").map(|prefix| format!("{prefix}_PORT"));
    let variable = finding.params.get("variable").cloned().or_else(implied);
    let by_variable = || {
        let variable = variable.as_deref()?;
        services.iter().find(|service| variable.strip_prefix(&prefix(service)).is_some_and(is_injected))
    };
    // The line may quote only the value: the Service's address tells whose it is.
    let by_value = || {
        services.iter().find(|service| {
            !service.spec.cluster_ip.is_empty()
                && service.spec.cluster_ip != "None"
                && finding.excerpt.contains(&format!("tcp://{}:", service.spec.cluster_ip))
        })
    };
    let named = by_variable();
    let service = named.or_else(by_value)?;
    // What the line calls so otherwise is an error's code or the program's own word.
    let variable =
        variable.filter(|_| named.is_some()).unwrap_or_else(|| format!("{}_PORT", prefix(service)));
    let explicit = instance.spec.is_some_and(|spec| spec.env.iter().any(|own| own.name == variable));
    let object = ObjectRef::new(Kind::Service, instance.namespace(), &service.metadata.name);
    (!explicit).then(|| {
        Fact::new("env.collision", instance.workload.clone())
            .param("variable", variable)
            .param("container", instance.name())
            .param("service", service.metadata.name.clone())
            .param("line", finding.excerpt.clone())
            .evidence([Evidence::spec(object.clone(), "metadata.name", service.metadata.name.clone())])
            .object("service", object)
    })
}

/// Whether the rest of a variable's name is one that Kubernetes makes for a Service.
fn is_injected(rest: &str) -> bool {
    rest == "_PORT"
        || rest == "_SERVICE_HOST"
        || rest.starts_with("_SERVICE_PORT")
        || rest.starts_with("_PORT_")
}

fn conflict(context: &Context<'_>, instance: &Instance<'_>, finding: &LogFinding) -> Fact {
    let named = finding.params.get("port").and_then(|port| port.parse::<i64>().ok());
    let from_target = finding.target.as_ref().and_then(|target| target.port).map(i64::from);
    let declared = || instance.spec.and_then(|spec| spec.ports.first()).map(|port| port.container_port);
    let port = named.or(from_target).or_else(declared);
    let holder = port.and_then(|port| holder(context, instance, port));
    let others =
        instance.pod.status.container_statuses.iter().filter(|status| status.name != instance.name());
    // Containers of a pod share one network and nobody else does: what holds the port is the process
    // itself or another container that runs.
    let (by, sibling, known_by) = match holder {
        Some((name, known_by)) => ("sibling", Some(name), known_by),
        None if instance.pod.spec.host_network => ("host", None, "elimination"),
        None => match others
            .filter(|status| status.state.running.is_some())
            .map(|status| status.name.to_string())
            .next()
        {
            Some(name) => ("sibling", Some(name), "elimination"),
            None => ("itself", None, "elimination"),
        },
    };
    let mut fact = Fact::new("port.conflict", instance.workload.clone())
        .param("container", instance.name())
        .param("by", by)
        .param("known_by", known_by)
        .param("line", finding.excerpt.clone());
    if let Some(port) = port {
        fact = fact.param("port", port);
    }
    match sibling {
        Some(sibling) => fact
            .evidence([Evidence::spec(instance.pod_ref(), format!("spec.containers[{sibling}]"), known_by)])
            .param("sibling", sibling),
        None => fact,
    }
}

/// The other container that has the port: by declaration, by its log, or by its arguments.
fn holder(context: &Context<'_>, instance: &Instance<'_>, port: i64) -> Option<(String, &'static str)> {
    let sidecars =
        instance.pod.spec.init_containers.iter().filter(|container| container.restart_policy == "Always");
    let others: Vec<_> = instance
        .pod
        .spec
        .containers
        .iter()
        .chain(sidecars)
        .filter(|other| other.name != instance.name())
        .collect();
    let number = port.to_string();
    let logged = |name: &str| {
        context.logs.of(instance.workload).any(|finding| {
            finding.key.container == name
                && finding.signature == "listening"
                && finding.params.get("port") == Some(&number)
        })
    };
    let mentions = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|word| word == number);
    let find = |test: &dyn Fn(&crate::cluster::types::Container) -> bool| {
        others.iter().find(|other| test(other)).map(|other| other.name.to_string())
    };
    find(&|other| other.ports.iter().any(|declared| declared.container_port == port))
        .map(|name| (name, "declared"))
        .or_else(|| find(&|other| logged(&other.name)).map(|name| (name, "log")))
        .or_else(|| {
            find(&|other| {
                let values = other
                    .env
                    .iter()
                    .filter_map(|own| Some((own.name.as_str(), own.value.as_deref()?)))
                    .filter(|(name, value)| name.ends_with("PORT") || sets_port(value, &number))
                    .map(|(_, value)| value);
                other.command.iter().chain(&other.args).map(Text::as_str).chain(values).any(mentions)
            })
            .map(|name| (name, "args"))
        })
}

/// Whether a structured value sets some port of its own to this number, as `"statusPort":8080` does.
///
/// A list of the pod's `containerPort`s tells a sidecar what others have, not what it is to have.
fn sets_port(value: &str, number: &str) -> bool {
    // So does a list of its probes, which a mesh's sidecar answers in the application's stead.
    if ["tcpSocket", "httpGet", "containerPort"].iter().any(|word| value.contains(word)) {
        return false;
    }
    let squeezed: String = value.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    squeezed.split([',', '{', '}', '[', ']']).filter_map(|pair| pair.rsplit_once([':', '='])).any(
        |(key, set)| {
            let key = key.to_lowercase();
            set == number && key.ends_with("port") && !key.ends_with("containerport")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_names() {
        assert!(is_injected("_PORT"));
        assert!(is_injected("_PORT_6379_TCP_ADDR"));
        assert!(!is_injected("_URL"));
    }
}
