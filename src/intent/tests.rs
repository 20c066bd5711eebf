//! Descriptions and what they mean in a small, invented cluster.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{GroundedIntent, ground, parse};
use crate::cluster::topology::Topology;
use crate::cluster::{ClusterState, Kind};
use crate::symptom::Symptom;

const NOW: &str = "2026-03-04T15:30:00Z";

fn add(state: &mut ClusterState, kind: Kind, namespace: &str, name: &str, mut rest: Value) {
    rest["metadata"]["name"] = json!(name);
    rest["metadata"]["namespace"] = json!(namespace);
    state.add_json(&kind, &rest.to_string()).unwrap();
}

/// Namespaces shop, shop-west, media, data and infra; two nodes; a bit of everything.
fn cluster() -> ClusterState {
    let mut state = ClusterState::default();
    for namespace in ["shop", "shop-west", "media", "data", "infra", "old-portal", "kube-system"] {
        add(&mut state, Kind::Namespace, "", namespace, json!({}));
    }
    for node in ["worker-a1", "worker-a2"] {
        add(&mut state, Kind::Node, "", node, json!({}));
    }
    let app = |name: &str| {
        json!({"spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main"}]}}}})
    };
    for (namespace, name) in [
        ("shop", "checkout"),
        ("shop", "web"),
        ("shop", "cart-service"),
        ("shop", "payment-gateway"),
        ("shop", "recommender-v2"),
        ("shop-west", "checkout"),
        ("shop-west", "web"),
        ("media", "watermarker"),
        ("media", "video-transcoder"),
        ("media", "session-sweeper"),
        ("infra", "amqp-broker"),
        ("infra", "loki"),
    ] {
        add(&mut state, Kind::Deployment, namespace, name, app(name));
        add(&mut state, Kind::Service, namespace, name, json!({"spec": {"selector": {"app": name}}}));
    }
    let mut labelled = app("ledger-core-blue");
    labelled["spec"]["template"]["metadata"]["labels"] = json!({"app": "ledger"});
    add(&mut state, Kind::Deployment, "data", "core-blue", labelled);
    for (namespace, name) in [("data", "postgres"), ("shop", "redis"), ("data", "redis")] {
        add(&mut state, Kind::StatefulSet, namespace, name, app(name));
        add(&mut state, Kind::Service, namespace, name, json!({"spec": {"selector": {"app": name}}}));
    }
    add(&mut state, Kind::DaemonSet, "infra", "log-shipper", app("log-shipper"));
    add(&mut state, Kind::CronJob, "data", "invoice-export", json!({"spec": {"schedule": "0 2 * * *"}}));
    let job = json!({"metadata": {"ownerReferences": [
        {"kind": "CronJob", "name": "invoice-export", "controller": true}]}});
    add(&mut state, Kind::Job, "data", "invoice-export-29545440", job);
    add(&mut state, Kind::Job, "data", "mongo-backup-20260304", json!({}));
    add(&mut state, Kind::Pod, "media", "batch-runner-3", json!({}));
    let pod = json!({"metadata": {"ownerReferences": [
        {"kind": "ReplicaSet", "name": "checkout-6d4f9c7b58", "controller": true}]}});
    add(&mut state, Kind::Pod, "shop", "checkout-6d4f9c7b58-x2x7z", pod);
    add(&mut state, Kind::PersistentVolumeClaim, "data", "postgres-data", json!({}));
    add(&mut state, Kind::ConfigMap, "shop", "cart-settings", json!({}));
    add(&mut state, Kind::Secret, "shop", "gateway-tls", json!({}));
    add(&mut state, Kind::HorizontalPodAutoscaler, "shop", "web", json!({}));
    add(&mut state, Kind::PodDisruptionBudget, "data", "postgres-pdb", json!({}));
    add(&mut state, Kind::NetworkPolicy, "shop", "deny-egress", json!({}));
    let ingress = json!({"spec": {"rules": [{"host": "docs.example.com"}, {"host": "*.apps.example.com"}]}});
    add(&mut state, Kind::Ingress, "media", "handbook", ingress);
    state.finish();
    state
}

fn grounded_in(description: &str, scope: &[&str]) -> GroundedIntent {
    let state = cluster();
    let topology = Topology::new(&state);
    let scope: Vec<String> = scope.iter().map(|name| (*name).to_owned()).collect();
    ground(&parse(description), &topology, &scope, NOW.parse().unwrap())
}

fn grounded(description: &str) -> GroundedIntent {
    grounded_in(description, &[])
}

/// The objects as `namespace/name`, each once: `/name` for those of the cluster.
fn names(intent: &GroundedIntent) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for grounded in &intent.objects {
        let name = format!("{}/{}", grounded.object.ns(), grounded.object.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[derive(Clone, Debug)]
struct Case(&'static str, &'static [&'static str], &'static [Symptom], &'static [&'static str]);

use Symptom::*;

/// Description, objects, symptoms, names not found.
const CASES: &[Case] = &[
    // Nothing named.
    Case("", &[], &[], &[]),
    Case("is anything wrong?", &[], &[], &[]),
    Case("the site is down", &[], &[Unreachable], &[]),
    Case("new pods dont get scheduled", &[], &[Pending], &[]),
    Case("Service Availability Disruption.", &[], &[Unreachable], &[]),
    Case("Partial Service Unreachability.", &[], &[Unreachable], &[]),
    Case("Service abnormal restart.", &[], &[Restarting], &[]),
    Case("Service latency increased significantly", &[], &[Slow], &[]),
    Case("Service quality degradation.", &[], &[Errors, Slow], &[]),
    Case("everything is slow since the upgrade", &[], &[Slow], &[]),
    Case("all deployments show 0/3", &[], &[NotReady], &[]),
    Case("half of our pods are stuck in ContainerCreating", &[], &[NotStarted], &[]),
    Case("customers complain about timeouts in the app", &[], &[Slow], &[]),
    Case("in-app purchases fail for everyone", &[], &[Errors], &[]),
    // One object.
    Case("checkout in shop crashes", &["shop/checkout"], &[Crashing], &[]),
    Case("web is slow in shop-west", &["shop-west/web"], &[Slow], &[]),
    Case("watermarker keeps restarting", &["media/watermarker"], &[Crashing, Restarting], &[]),
    Case("watermarker OOMKilled again", &["media/watermarker"], &[Crashing], &[]),
    Case("why is watermarker pending?", &["media/watermarker"], &[Pending], &[]),
    Case("amqp-broker 0/1 ready", &["infra/amqp-broker"], &[NotReady], &[]),
    Case("amqp broker is unreachable", &["infra/amqp-broker"], &[Unreachable], &[]),
    Case("AmqpBroker is unreachable", &["infra/amqp-broker"], &[Unreachable], &[]),
    Case("amqp_broker is unreachable", &["infra/amqp-broker"], &[Unreachable], &[]),
    Case("the video transcoder deployment has no pods", &["media/video-transcoder"], &[NotCreated], &[]),
    Case("video-transcoder: ImagePullBackOff", &["media/video-transcoder"], &[NotStarted], &[]),
    Case("watermarker: CreateContainerConfigError", &["media/watermarker"], &[NotStarted], &[]),
    Case("payment gateway returns 503", &["shop/payment-gateway"], &[Unreachable, Errors], &[]),
    Case("payment-gateway gives 500s since 14:00", &["shop/payment-gateway"], &[Errors], &[]),
    Case("cart service doesn't start", &["shop/cart-service"], &[NotStarted], &[]),
    Case("the cart is empty for everybody, 5xx", &["shop/cart-service"], &[Errors], &[]),
    Case("the sweeper does not run any more", &["media/session-sweeper"], &[NotOnSchedule], &[]),
    Case("recommender is in CrashLoopBackOff", &["shop/recommender-v2"], &[Crashing], &[]),
    Case("log-shipper daemonset misses a node", &["infra/log-shipper"], &[], &[]),
    Case("loki pods evicted", &["infra/loki"], &[Evicted], &[]),
    Case("loki stuck at Init:0/1", &["infra/loki"], &[Initializing], &[]),
    Case("ledger crashes at startup", &["data/core-blue"], &[Crashing], &[]),
    Case("mongo backup failed last night", &["data/mongo-backup-20260304"], &[JobFailed], &[]),
    Case("last night's backup of mongo failed", &["data/mongo-backup-20260304"], &[JobFailed], &[]),
    Case("invoice-export cron not running", &["data/invoice-export"], &[NotOnSchedule], &[]),
    Case("invoice export did not run since yesterday", &["data/invoice-export"], &[NotOnSchedule], &[]),
    Case("pod batch-runner-3 cannot be deleted", &["media/batch-runner-3"], &[CannotDelete], &[]),
    // Pods that are gone, and what made them.
    Case("checkout-6d4f9c7b58-x2x7z crashes", &["shop/checkout"], &[Crashing], &[]),
    Case("watermarker-7c9d8b6f5d-abcde was evicted", &["media/watermarker"], &[Evicted], &[]),
    Case("postgres-0 is pending", &["data/postgres"], &[Pending], &[]),
    Case("log-shipper-x8k2p OOM", &["infra/log-shipper"], &[Crashing], &[]),
    Case("invoice-export-29545440 failed", &["data/invoice-export-29545440"], &[], &[]),
    // Paths, kinds, flags, labels, alerts.
    Case("shop-west/checkout crashes", &["shop-west/checkout"], &[Crashing], &[]),
    Case("deployment/watermarker is not rolling out", &["media/watermarker"], &[RolloutStalled], &[]),
    Case("deploy/checkout -n shop-west stuck rollout", &["shop-west/checkout"], &[RolloutStalled], &[]),
    Case("[FIRING:1] KubePodCrashLooping checkout (namespace=shop)", &["shop/checkout"], &[Crashing], &[]),
    Case(
        r#"KubeDeploymentReplicasMismatch{namespace="shop-west", deployment="web", severity="warning"}"#,
        &["shop-west/web"],
        &[NotReady],
        &[],
    ),
    Case(
        "alertname=KubeJobFailed job_name=mongo-backup-20260304 namespace=data",
        &["data/mongo-backup-20260304"],
        &[JobFailed],
        &[],
    ),
    Case("pod: postgres-0 namespace: data not ready", &["data/postgres"], &[NotReady], &[]),
    Case("`payment-gateway` throws exceptions", &["shop/payment-gateway"], &[Errors], &[]),
    Case("app=ledger container=main restarted", &["data/core-blue"], &[Restarting], &[]),
    // Nodes, claims, routes, namespaces, configuration.
    Case("node worker-a2 NotReady", &["/worker-a2"], &[NotReady, NodeUnhealthy], &[]),
    Case("kubectl drain worker-a1 hangs", &["/worker-a1"], &[CannotEvict], &[]),
    Case("pvc postgres-data is pending", &["data/postgres-data"], &[Pending, Unbound], &[]),
    Case("docs.example.com returns 404", &["media/handbook"], &[Unreachable], &[]),
    Case("https://docs.example.com/start is blank page", &["media/handbook"], &[Unreachable], &[]),
    Case("wiki.apps.example.com not reachable", &["media/handbook"], &[Unreachable], &[]),
    Case("namespace old-portal stuck in Terminating", &["/old-portal"], &[CannotDelete], &[]),
    Case("is something wrong in the media namespace?", &["/media"], &[], &[]),
    Case("configmap cart-settings has wrong data", &["shop/cart-settings"], &[WrongResponse], &[]),
    Case("postgres-pdb blocks the drain", &["data/postgres-pdb"], &[], &[]),
    Case("hpa web in shop is not scaling", &["shop/web"], &[NotScaling], &[]),
    Case("networkpolicy deny-egress breaks dns", &["shop/deny-egress"], &[ResolutionFailing], &[]),
    // Several objects and negations.
    Case("checkout cannot reach postgres in shop", &["shop/checkout", "data/postgres"], &[CallFailing], &[]),
    Case(
        "watermarker cant connect to amqp-broker",
        &["media/watermarker", "infra/amqp-broker"],
        &[CallFailing],
        &[],
    ),
    Case("watermarker is slow, it is not postgres", &["media/watermarker"], &[Slow], &[]),
    Case("postgres is fine but watermarker crashes", &["media/watermarker"], &[Crashing], &[]),
    Case("watermarker errors, loki itself works", &["media/watermarker"], &[Errors], &[]),
    Case("watermarker is healthy but returns errors", &["media/watermarker"], &[Errors], &[]),
    Case("video-transcoder hangs; loki and amqp-broker look fine", &["media/video-transcoder"], &[], &[]),
    Case("everything in media works except the session sweeper", &["media/session-sweeper"], &[], &[]),
    Case("everything works except loki", &["infra/loki"], &[], &[]),
    Case(
        "neither loki nor amqp-broker is the problem, watermarker is slow",
        &["media/watermarker"],
        &[Slow],
        &[],
    ),
    Case("the service account of loki cannot list pods, 403", &["infra/loki"], &[Forbidden], &[]),
    Case("watermarker: x509 certificate expired", &["media/watermarker"], &[CallFailing], &[]),
    Case("invoice-export hasn't run for 3 days", &["data/invoice-export"], &[NotOnSchedule], &[]),
    Case("loki crashes, watermarker fails too but that is for later", &["infra/loki"], &[Crashing], &[]),
    // Typos, and what is no typo.
    Case("watermraker crashes", &["media/watermarker"], &[Crashing], &[]),
    Case("paymnet-gateway is down", &["shop/payment-gateway"], &[Unreachable], &[]),
    Case("video-transcoders are slow", &["media/video-transcoder"], &[Slow], &[]),
    Case("worker-a7 not ready", &[], &[NotReady], &["worker-a7"]),
    // Not there.
    Case("payments-db crashes", &[], &[Crashing], &["payments-db"]),
    Case("redis crashes in media namespace", &["/media"], &[Crashing], &["redis"]),
    Case("frobnicator in the media namespace crashes", &["/media"], &[Crashing], &["frobnicator"]),
    Case("deployment frobnicator not ready", &[], &[NotReady], &["frobnicator"]),
    Case("frobnicator pods pending", &[], &[Pending], &["frobnicator"]),
    Case("the frobnicator crashes", &[], &[Crashing], &["frobnicator"]),
    Case(
        "web in namespace shop-south is down",
        &["shop/web", "shop-west/web"],
        &[Unreachable],
        &["shop-south"],
    ),
    Case("shop/frobnicator crashes", &[], &[Crashing], &["shop/frobnicator"]),
    // Other languages.
    Case("watermarker ist abgestürzt", &["media/watermarker"], &[Crashing], &[]),
    Case("loki ist seit gestern nicht erreichbar", &["infra/loki"], &[Unreachable], &[]),
    Case("watermarker está muy lento", &["media/watermarker"], &[Slow], &[]),
    Case("el servicio payment-gateway está caído", &["shop/payment-gateway"], &[Unreachable], &[]),
    Case("watermarker ne démarre pas", &["media/watermarker"], &[NotStarted], &[]),
    Case("loki não responde desde ontem", &["infra/loki"], &[Unreachable], &[]),
    Case("le pod postgres-0 est en attente", &["data/postgres"], &[Pending], &[]),
    // Symptoms of other kinds.
    Case("watermarker: getaddrinfo ENOTFOUND", &["media/watermarker"], &[ResolutionFailing], &[]),
    Case("loki gets forbidden from the api", &["infra/loki"], &[Forbidden], &[]),
    Case("watermarker still runs the old version", &["media/watermarker"], &[StaleVersion], &[]),
    Case("loki pods are SchedulingGated", &["infra/loki"], &[Pending], &[]),
    Case("watermarker shows no errors but is not ready", &["media/watermarker"], &[NotReady], &[]),
];

#[test]
fn descriptions() {
    let mut exact = 0;
    for Case(description, objects, symptoms, not_found) in CASES {
        let intent = grounded(description);
        let missing: Vec<&str> = intent.not_found.iter().map(|missing| missing.text.as_str()).collect();
        let ok = names(&intent) == *objects && intent.symptoms == *symptoms && missing == *not_found;
        exact += usize::from(ok);
        if !ok {
            let symptoms: Vec<&str> = intent.symptoms.iter().map(|symptom| symptom.as_str()).collect();
            println!("{description:?}: {:?} {symptoms:?} not found {missing:?}", names(&intent));
        }
    }
    let rate = exact as f64 / CASES.len() as f64;
    println!("exact: {exact} of {} ({rate:.3})", CASES.len());
    assert!(CASES.len() >= 80 && rate >= 0.85, "{exact} of {}", CASES.len());
}

#[test]
fn nothing_named_is_said() {
    for description in ["", "is anything wrong?", "the site is down", "Service abnormal restart."] {
        assert!(grounded(description).names_nothing, "{description}");
    }
    for description in ["web is down", "namespace shop is slow", "frobnicator-7 crashes"] {
        assert!(!grounded(description).names_nothing, "{description}");
    }
}

#[test]
fn names_of_several_namespaces_are_ambiguous_until_narrowed() {
    let intent = grounded("checkout crashes");
    assert_eq!(names(&intent), ["shop/checkout", "shop-west/checkout"]);
    assert_eq!(intent.ambiguous.len(), 1);
    let intent = grounded_in("checkout crashes", &["shop-west"]);
    assert_eq!((names(&intent), intent.ambiguous.len()), (vec!["shop-west/checkout".to_owned()], 0));
    // What else is named narrows, too.
    assert_eq!(names(&grounded("cart-service cannot reach redis")), ["shop/cart-service", "shop/redis"]);
}

#[test]
fn a_name_outside_the_scope_is_offered_not_taken() {
    let intent = grounded_in("video-transcoder is slow", &["shop"]);
    assert_eq!(names(&intent), Vec::<String>::new());
    assert_eq!(intent.not_found[0].closest, ["media/video-transcoder"]);
    // Beside something in the scope it is a dependency.
    assert_eq!(
        names(&grounded_in("checkout cannot reach postgres", &["shop"])),
        ["shop/checkout", "data/postgres"]
    );
}

#[test]
fn closest_names_are_offered() {
    let intent = grounded_in("redis-cache pods crash", &["shop"]);
    assert_eq!(intent.not_found[0].closest[0], "redis");
    assert_eq!(grounded("billing is slow").not_found[0].text, "billing");
    assert_eq!(grounded("the bilings crash").not_found[0].text, "bilings");
    assert_eq!(grounded("something flickers").not_found, []);
    assert_eq!(grounded("namespace shop-south is slow").not_found[0].closest, ["shop-west", "shop"]);
    // What only exists in another namespace is offered with it.
    assert_eq!(grounded("loki in the shop namespace crashes").not_found[0].closest, ["infra/loki"]);
    assert_eq!(grounded_in("loki crashes", &["shop"]).not_found[0].closest, ["infra/loki"]);
}

#[test]
fn a_prefix_that_most_names_share_may_be_left_out() {
    let mut state = ClusterState::default();
    for name in ["acme-order-service", "acme-basket", "acme-login-service", "acme-mailer", "acme-ratings"] {
        add(&mut state, Kind::Deployment, "prod", name, json!({}));
    }
    add(&mut state, Kind::Deployment, "prod", "couponservice", json!({}));
    state.finish();
    let topology = Topology::new(&state);
    for (description, name) in [
        ("order service is slow", "prod/acme-order-service"),
        ("basket crashes", "prod/acme-basket"),
        ("coupon is wrong", "prod/couponservice"),
    ] {
        let intent = ground(&parse(description), &topology, &[], NOW.parse().unwrap());
        assert_eq!(names(&intent), [name], "{description}");
    }
}

#[test]
fn negated_objects_are_listed() {
    let negated = |description: &str| -> Vec<String> {
        let mut names: Vec<String> =
            grounded(description).negated.iter().map(|object| object.name.to_string()).collect();
        names.dedup();
        names
    };
    assert_eq!(negated("web in shop is slow, postgres is fine"), ["postgres"]);
    assert_eq!(negated("watermarker hangs, not the amqp-broker"), ["amqp-broker"]);
    assert_eq!(negated("loki works only sometimes"), Vec::<String>::new());
}

#[test]
fn windows_are_placed_before_now() {
    let window = |description: &str| {
        let shown = |time: Option<Timestamp>| time.map(|time| time.to_string());
        grounded(description).window.map(|(from, until)| (shown(from), shown(until)))
    };
    let from = |time: &str| Some((Some(time.to_owned()), None));
    assert_eq!(window("web is slow since 14:00"), from("2026-03-04T13:45:00Z"));
    assert_eq!(window("web is slow since 16:00"), from("2026-03-03T15:45:00Z"));
    assert_eq!(window("web is slow since 2pm"), from("2026-03-04T13:45:00Z"));
    assert_eq!(window("web crashed in the last 20 minutes"), from("2026-03-04T15:05:00Z"));
    assert_eq!(window("web crashed an hour ago"), from("2026-03-04T14:15:00Z"));
    assert_eq!(window("web broke since yesterday"), from("2026-03-03T00:00:00Z"));
    assert_eq!(window("web langsam seit 2 Stunden"), from("2026-03-04T13:00:00Z"));
    let day = |from: &str, until: &str| Some((Some(from.to_owned()), Some(until.to_owned())));
    assert_eq!(window("web was down yesterday"), day("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"));
    assert_eq!(
        window("web was down between 9:00 and 10:30"),
        day("2026-03-04T09:00:00Z", "2026-03-04T10:30:00Z")
    );
    assert_eq!(window("web fails after the deploy"), None);
    assert!(parse("web fails after the deploy").time.is_some());
    assert_eq!(window("web reconnects every half a minute, p99 > 20s"), None);
}

#[test]
fn questions_whether_it_is_over_are_known() {
    assert!(parse("[RESOLVED] web down").resolved_hint);
    assert!(parse("web crashed this morning, is it still broken?").resolved_hint);
    assert!(!parse("web is broken").resolved_hint);
}

#[test]
fn a_parsed_intent_survives_serialisation() {
    for Case(description, ..) in CASES {
        let parsed = parse(description);
        let text = serde_json::to_string(&parsed).unwrap();
        assert_eq!(serde_json::from_str::<super::ParsedIntent>(&text).unwrap(), parsed);
    }
}

#[test]
fn long_and_hostile_text_is_bounded() {
    let state = cluster();
    let topology = Topology::new(&state);
    for piece in
        ["checkout ", "a-b-c/", "not the ", "since 14:00 ", "é\u{301}'\"`", "\u{1b}[31m", "x=y:", "no pods "]
    {
        let text = piece.repeat(40_000);
        let parsed = parse(&text);
        assert!(parsed.words.iter().map(|word| word.text.len()).sum::<usize>() <= super::MAX_BYTES);
        ground(&parsed, &topology, &[], Timestamp::UNIX_EPOCH);
    }
}

/// Text that looks like descriptions: pieces of the table, shuffled and cut, and any characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-z0-9:/=_.'\"`,()\\[\\]{} -]{0,12}",
        proptest::sample::select(CASES).prop_map(|case| case.0.to_owned()),
        (proptest::sample::select(CASES), any::<prop::sample::Index>()).prop_map(|(case, at)| {
            let characters: Vec<char> = case.0.chars().collect();
            characters.get(at.index(characters.len().max(1))..).unwrap_or_default().iter().collect()
        }),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn parsing_never_panics(text in text()) {
        let parsed = parse(&text);
        prop_assert_eq!(parsed.clone(), parse(&text));
        prop_assert!(parsed.names.iter().all(|name| name.word < parsed.words.len()));
    }
}

#[test]
fn grounding_never_panics() {
    let state = cluster();
    let topology = Topology::new(&state);
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&text(), |text| {
            ground(&parse(&text), &topology, &["shop".to_owned()], Timestamp::UNIX_EPOCH);
            Ok(())
        })
        .unwrap();
}
