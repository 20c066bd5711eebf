//! What any store must do. [`suite`] takes a function that makes an empty store; an implementation
//! is one more test that calls it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sre_orch::store::{
    AlertGroup, Bounds, Change, Creation, Failure, Feedback, Filter, Finding, Idempotency, Incident,
    IncidentRepository, MemoryRepository, NewIncident, PackedReport, Question, Removal, Status, StoreError,
    Swap,
};
use uuid::Uuid;

type Store = Arc<dyn IncidentRepository>;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn new(description: &str) -> NewIncident {
    NewIncident {
        id: Uuid::now_v7(),
        question: Question { description: description.to_owned(), ..Question::default() },
        request_id: "request".to_owned(),
        created_at: now(),
        idempotency: None,
        alert: None,
    }
}

fn alert(key: &str, at: Timestamp) -> NewIncident {
    let group =
        AlertGroup { key: key.to_owned(), firing: 1, notifications: 1, last_at: at, resolved_at: None };
    NewIncident { alert: Some(group), ..new("alert") }
}

async fn create(store: &Store, new: NewIncident) -> Arc<Incident> {
    match store.create(new).await.unwrap() {
        Creation::Created(incident) => incident,
        other => panic!("not created: {other:?}"),
    }
}

fn completed() -> Change {
    let report = super::report("");
    Change::Complete(Finding::from(&report), PackedReport::pack(&report).unwrap())
}

fn failed() -> Change {
    Change::Fail(Failure { code: "internal", detail: "broken".to_owned() })
}

async fn swap(store: &Store, id: Uuid, expected: Status, change: Change) -> Swap {
    store.transition(id, expected, change, later(10)).await.unwrap()
}

/// Creates, claims and completes an incident.
async fn finish(store: &Store, new: NewIncident, at: Timestamp) -> Uuid {
    let id = create(store, new).await.id;
    assert_eq!(store.claim(at).await.unwrap().unwrap().id, id);
    store.transition(id, Status::Running, completed(), at).await.unwrap();
    id
}

/// Runs every test on a store of its own.
pub(crate) async fn suite(make: impl Fn(Bounds) -> Store) {
    let fresh = || make(Bounds::default());
    keeps_what_it_is_given(fresh()).await;
    gives_each_to_one_worker(fresh()).await;
    changes_only_what_is_expected(fresh()).await;
    lists_newest_first(fresh()).await;
    filters(fresh()).await;
    repeats_are_harmless(fresh()).await;
    groups_have_one_incident(fresh()).await;
    removes_only_what_is_finished(fresh()).await;
    keeps_feedback(fresh()).await;
    holds_what_waits_within_bounds(make(Bounds { pending: 3, ..Bounds::default() })).await;
    drops_what_was_finished_first(make(Bounds { incidents: 4, ..Bounds::default() })).await;
    holds_bytes_within_bounds(make(Bounds { bytes: 64 << 10, ..Bounds::default() })).await;
    many_at_once(fresh()).await;
}

async fn keeps_what_it_is_given(store: Store) {
    let asked = NewIncident {
        question: Question { namespace: Some("shop".to_owned()), ..new("web").question },
        ..new("")
    };
    let incident = create(&store, asked.clone()).await;
    assert_eq!(incident.status, Status::Pending);
    let read = store.get(asked.id).await.unwrap().unwrap();
    assert_eq!((read.id, &read.question, &read.request_id), (asked.id, &asked.question, &asked.request_id));
    assert_eq!((read.created_at, read.started_at, read.completed_at), (now(), None, None));
    assert!(store.get(Uuid::now_v7()).await.unwrap().is_none());
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.pending, counts.running, counts.finished), (1, 0, 0));

    store.claim(later(1)).await.unwrap().unwrap();
    let Swap::Done(done) = swap(&store, asked.id, Status::Running, completed()).await else { panic!() };
    assert_eq!((done.started_at, done.completed_at), (Some(later(1)), Some(later(10))));
    let read = store.get(asked.id).await.unwrap().unwrap();
    assert_eq!(read.report.as_ref().unwrap().unpack().unwrap(), super::report(""));
    assert_eq!(store.counts().await.unwrap().finished, 1);
}

async fn gives_each_to_one_worker(store: Store) {
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(create(&store, new(&number.to_string())).await.id);
    }
    assert_eq!(store.claim(later(1)).await.unwrap().unwrap().id, ids[0], "the oldest first");
    let claims = (1..25).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.claim(later(1)).await.unwrap() })
    });
    let claimed: Vec<_> =
        futures::future::join_all(claims).await.into_iter().filter_map(Result::unwrap).collect();
    assert!(claimed.iter().all(|incident| incident.status == Status::Running));
    let claimed: BTreeSet<Uuid> = claimed.iter().map(|incident| incident.id).collect();
    assert_eq!(claimed, ids[1..].iter().copied().collect());
    assert!(store.claim(later(1)).await.unwrap().is_none());
}

async fn changes_only_what_is_expected(store: Store) {
    let id = create(&store, new("web")).await.id;
    assert!(matches!(swap(&store, id, Status::Running, completed()).await, Swap::Differs(Status::Pending)));
    assert!(matches!(swap(&store, Uuid::now_v7(), Status::Pending, Change::Cancel).await, Swap::Missing));
    store.claim(later(1)).await.unwrap().unwrap();
    let ends = [completed(), failed(), Change::Cancel].map(|change| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { swap(&store, id, Status::Running, change).await })
    });
    let ends = futures::future::join_all(ends).await;
    let won = ends.iter().filter(|end| matches!(end, Ok(Swap::Done(_)))).count();
    assert_eq!(won, 1, "one end wins");
    for status in [Status::Pending, Status::Running, Status::Completed, Status::Failed, Status::Cancelled] {
        assert!(
            !matches!(swap(&store, id, status, Change::Cancel).await, Swap::Done(_)),
            "a final status stays"
        );
    }
    let waiting = create(&store, new("web")).await.id;
    assert!(matches!(swap(&store, waiting, Status::Pending, Change::Cancel).await, Swap::Done(_)));
    assert!(store.claim(later(2)).await.unwrap().is_none(), "what was cancelled is not handed out");
}

async fn lists_newest_first(store: Store) {
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(create(&store, new(&number.to_string())).await.id);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let piece = store.list(Filter::default(), after, 3).await.unwrap();
        seen.extend(piece.incidents.iter().map(|incident| incident.id));
        let Some(next) = piece.next else { break };
        after = Some(next);
        // What comes meanwhile is newer than the cursor, and disturbs nothing.
        create(&store, new("meanwhile")).await;
    }
    ids.reverse();
    assert_eq!(seen, ids);
    let all = store.list(Filter::default(), None, 9).await.unwrap();
    assert_eq!((all.incidents.len(), all.next), (9, None), "the last piece says so");
    let none = store.list(Filter::default(), Some(Uuid::nil()), 3).await.unwrap();
    assert!(none.incidents.is_empty() && none.next.is_none());
}

async fn filters(store: Store) {
    finish(&store, new("done"), later(1)).await;
    let asked = NewIncident { created_at: later(100), ..new("asked") };
    let asked =
        NewIncident { question: Question { namespace: Some("blog".to_owned()), ..asked.question }, ..asked };
    create(&store, asked).await;
    let report = super::report("");
    let found = async |filter: Filter| store.list(filter, None, 10).await.unwrap().incidents.len();
    let filter = Filter::default;
    assert_eq!(found(Filter { status: Some(Status::Completed), ..filter() }).await, 1);
    assert_eq!(found(Filter { status: Some(Status::Failed), ..filter() }).await, 0);
    assert_eq!(found(Filter { namespace: Some("blog".to_owned()), ..filter() }).await, 1);
    assert_eq!(
        found(Filter { namespace: Some(report.hypotheses[0].object.ns().to_owned()), ..filter() }).await,
        1
    );
    assert_eq!(found(Filter { cause: Some(report.hypotheses[0].cause.clone()), ..filter() }).await, 1);
    assert_eq!(found(Filter { cause: Some("none".to_owned()), ..filter() }).await, 0);
    assert_eq!(found(Filter { created_after: Some(later(100)), ..filter() }).await, 1);
    assert_eq!(found(Filter { created_before: Some(later(100)), ..filter() }).await, 1);
}

async fn repeats_are_harmless(store: Store) {
    let with = |key: u8, fingerprint: u8| {
        let idempotency = Some(Idempotency { key: [key; 32], fingerprint: [fingerprint; 32] });
        NewIncident { idempotency, ..new("web") }
    };
    let first = create(&store, with(1, 1)).await.id;
    let Creation::Replayed(again) = store.create(with(1, 1)).await.unwrap() else { panic!() };
    assert_eq!(again.id, first);
    assert!(matches!(store.create(with(1, 2)).await.unwrap(), Creation::KeyReused));
    assert_ne!(create(&store, with(2, 1)).await.id, first);
    store.transition(first, Status::Pending, Change::Cancel, later(1)).await.unwrap();
    let Creation::Replayed(again) = store.create(with(1, 1)).await.unwrap() else { panic!() };
    assert_eq!((again.id, again.status), (first, Status::Cancelled));
    store.remove(first).await.unwrap();
    assert_ne!(create(&store, with(1, 1)).await.id, first, "a key goes with its incident");
}

async fn groups_have_one_incident(store: Store) {
    let first = create(&store, alert("a", now())).await.id;
    assert_ne!(create(&store, alert("b", now())).await.id, first);
    let Creation::Folded(folded) = store.create(alert("a", later(60))).await.unwrap() else { panic!() };
    let group = folded.alert.as_ref().unwrap();
    assert_eq!((folded.id, group.notifications, group.last_at), (first, 2, later(60)));
    let resolved = store.resolve("a", later(90)).await.unwrap().unwrap();
    let group = resolved.alert.as_ref().unwrap();
    assert_eq!((group.firing, group.notifications, group.resolved_at), (0, 3, Some(later(90))));
    assert!(store.resolve("a", later(91)).await.unwrap().is_none(), "it is resolved already");
    assert!(store.resolve("c", later(91)).await.unwrap().is_none());
    assert_ne!(create(&store, alert("a", later(120))).await.id, first);
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.pending, 3, "folding adds nothing");
}

async fn removes_only_what_is_finished(store: Store) {
    let id = create(&store, new("web")).await.id;
    assert_eq!(store.remove(id).await.unwrap(), Removal::Active(Status::Pending));
    store.claim(later(1)).await.unwrap();
    assert_eq!(store.remove(id).await.unwrap(), Removal::Active(Status::Running));
    swap(&store, id, Status::Running, failed()).await;
    assert_eq!(store.remove(id).await.unwrap(), Removal::Removed);
    assert_eq!(store.remove(id).await.unwrap(), Removal::Missing);
    assert!(store.get(id).await.unwrap().is_none());
    assert_eq!(store.counts().await.unwrap(), sre_orch::store::Counts::default());
}

async fn keeps_feedback(store: Store) {
    let id = create(&store, new("web")).await.id;
    let say = |number: usize| Feedback { confirmed_cause: None, note: Some(number.to_string()), at: now() };
    for number in 0..Incident::MOST_FEEDBACK + 5 {
        store.add_feedback(id, say(number)).await.unwrap().unwrap();
    }
    let feedback = store.get(id).await.unwrap().unwrap().feedback.clone();
    assert_eq!(feedback.len(), Incident::MOST_FEEDBACK);
    assert_eq!(feedback.first(), Some(&say(5)));
    assert_eq!(feedback.last(), Some(&say(Incident::MOST_FEEDBACK + 4)));
    assert!(store.add_feedback(Uuid::now_v7(), say(0)).await.unwrap().is_none());
}

async fn holds_what_waits_within_bounds(store: Store) {
    for _ in 0..3 {
        create(&store, new("web")).await;
    }
    assert_eq!(store.create(new("web")).await.unwrap_err(), StoreError::QueueFull(3));
    store.claim(later(1)).await.unwrap();
    create(&store, new("web")).await;
}

async fn drops_what_was_finished_first(store: Store) {
    let running = create(&store, new("runs on")).await.id;
    store.claim(later(1)).await.unwrap();
    let first = finish(&store, new("first"), later(2)).await;
    let second = finish(&store, new("second"), later(3)).await;
    let waiting = create(&store, new("waits")).await.id;
    let next = create(&store, new("next")).await.id;
    let exists = async |id| store.get(id).await.unwrap().is_some();
    assert!(!exists(first).await && exists(second).await);
    let last = create(&store, new("last")).await.id;
    assert!(!exists(second).await);
    for id in [running, waiting, next, last] {
        assert!(exists(id).await, "what is not finished stays");
    }
    assert_eq!(store.create(new("no room")).await.unwrap_err(), StoreError::Full);
}

async fn holds_bytes_within_bounds(store: Store) {
    for number in 0..200 {
        finish(&store, new(&"x".repeat(1000)), later(number)).await;
        assert!(store.counts().await.unwrap().bytes <= 64 << 10);
    }
    assert!(store.counts().await.unwrap().finished > 5);
    let id = create(&store, new("web")).await.id;
    store.claim(later(300)).await.unwrap();
    let large = PackedReport::from_bytes(&vec![0; 60 << 10]);
    let change = Change::Complete(Finding::from(&super::report("")), large);
    let refused = store.transition(id, Status::Running, change, later(301)).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert_eq!(store.get(id).await.unwrap().unwrap().status, Status::Running, "nothing changed");
}

/// Writers, workers and readers at once: nothing is lost, nothing is done twice.
async fn many_at_once(store: Store) {
    let writers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..25 {
                create(&store, new("web")).await;
                tokio::task::yield_now().await;
            }
        })
    });
    let workers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut done = 0;
            for _ in 0..2000 {
                if let Some(incident) = store.claim(later(1)).await.unwrap() {
                    assert!(matches!(
                        swap(&store, incident.id, Status::Running, completed()).await,
                        Swap::Done(_)
                    ));
                    done += 1;
                }
                store.list(Filter::default(), None, 5).await.unwrap();
                tokio::task::yield_now().await;
            }
            done
        })
    });
    let (_, done) = tokio::join!(futures::future::join_all(writers), futures::future::join_all(workers));
    let mut done: usize = done.into_iter().map(Result::unwrap).sum();
    while let Some(incident) = store.claim(later(1)).await.unwrap() {
        swap(&store, incident.id, Status::Running, completed()).await;
        done += 1;
    }
    assert_eq!(done, 200);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.pending, counts.running, counts.finished), (0, 0, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_conforms() {
    suite(|bounds| Arc::new(MemoryRepository::new(bounds))).await;
}
