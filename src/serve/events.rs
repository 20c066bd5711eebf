//! Progress of an incident as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use futures::stream;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use uuid::Uuid;

use super::app::SharedApp;
use super::connections::Busy;
use super::extract::IncidentId;
use super::guard::Asker;
use super::problem::{Kind, Problem};
use super::progress::Event;
use crate::store::Status;

/// A comment line this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often the store is asked where the work is done by another process.
const POLL: Duration = Duration::from_secs(1);

/// What each event of the stream looks like.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only the document needs it; the stream is text")]
pub(crate) struct ProgressEvent {
    /// The event's number; give the last one as `Last-Event-ID` to go on from there.
    id: String,
    /// `status` or `phase`.
    event: String,
    /// `{"status": …}` or `{"phase": …}`, as JSON.
    data: String,
}

/// Follow an incident
///
/// `status` events have `{"status": …}` and `phase` events `{"phase": …}`; the stream ends with the
/// final status. Every event has an id: a client that comes back with `Last-Event-ID` gets what it
/// missed.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/events", operation_id = "followIncident", tag = "incidents",
    params(("id" = Uuid, Path, description = "The incident's id")),
    responses((status = 200, description = "The events", content_type = "text/event-stream", body = ProgressEvent),
        (status = 404, response = super::openapi::NotFound)))]
pub(crate) async fn follow(
    State(app): State<SharedApp>,
    asker: Asker,
    IncidentId(id): IncidentId,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let permit = std::sync::Arc::clone(&app.streams).try_acquire_owned();
    let permit = permit
        .map_err(|_| Problem::new(Kind::TooManyStreams, "poll the incident, or try again").retry_after(5))?;
    // In this order: what ends in between is in the store.
    let log = app.desk.hub.watch(id);
    let incident = app.store.get(id).await?;
    let incident =
        incident.ok_or_else(|| Problem::new(Kind::NoSuchIncident, format!("there is no incident {id}")))?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let stream = Stream {
        app,
        id,
        log: log.filter(|_| !incident.status.is_final()),
        known: None,
        next: seen.map_or(0, |seen: usize| seen.saturating_add(1)),
        ready: VecDeque::new(),
        over: false,
        _permit: permit,
        _busy: asker.connection.map(|connection| connection.busy()),
    };
    let events = stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Stream {
    app: SharedApp,
    id: Uuid,
    /// The log here; none where the incident is finished or worked on elsewhere.
    log: Option<watch::Receiver<Vec<Event>>>,
    /// The status that was told last, where there is no log.
    known: Option<Status>,
    /// The number of the next event to tell.
    next: usize,
    ready: VecDeque<(usize, Event)>,
    over: bool,
    _permit: OwnedSemaphorePermit,
    _busy: Option<Busy>,
}

impl Stream {
    async fn next(&mut self) -> Option<sse::Event> {
        while self.ready.is_empty() && !self.over {
            if self.log.is_some() { self.read_log().await } else { self.read_store().await }
        }
        self.ready.pop_front().map(|(number, event)| render(number, &event))
    }

    async fn read_log(&mut self) {
        let Some(log) = &mut self.log else { return };
        let (total, fresh) = {
            let events = log.borrow_and_update();
            let fresh: Vec<_> = events.iter().cloned().enumerate().skip(self.next).collect();
            (events.len(), fresh)
        };
        self.next = self.next.min(total);
        if fresh.is_empty() {
            // An error says that the log has ended, with everything in it told.
            if log.changed().await.is_err() {
                self.over = true;
            }
            return;
        }
        self.next = total;
        self.over = fresh.iter().any(|(_, event)| event.is_last());
        self.ready.extend(fresh);
    }

    async fn read_store(&mut self) {
        if self.known.is_some() {
            tokio::time::sleep(POLL).await;
        }
        let status = match self.app.store.get(self.id).await {
            Ok(Some(incident)) => incident.status,
            // Removed meanwhile, or the store is gone: there is nothing more to tell.
            _ => {
                self.over = true;
                return;
            }
        };
        if self.known != Some(status) {
            self.known = Some(status);
            self.ready.push_back((self.next, Event::Status(status)));
            self.next += 1;
        }
        self.over = status.is_final();
    }
}

fn render(number: usize, event: &Event) -> sse::Event {
    let (name, data) = match event {
        Event::Status(status) => ("status", json!({"status": status.as_str()})),
        Event::Phase(phase) => ("phase", json!({"phase": phase})),
    };
    sse::Event::default().id(number.to_string()).event(name).data(data.to_string())
}
