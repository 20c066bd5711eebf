//! Incidents: submit, read, list, cancel or remove, and say what it was.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use uuid::Uuid;

use super::api::{
    Accepted, FeedbackRequest, Incident, IncidentList, IncidentRequest, IncidentSummary, ListQuery, is_cause,
    is_namespace,
};
use super::app::SharedApp;
use super::desk::Cancelled;
use super::extract::{IncidentId, JsonBody, SMALL, StrictQuery, idempotency};
use super::guard::Asker;
use super::problem::{Kind, Problem};
use crate::store::{Creation, Filter, NewIncident, Removal};

/// Says that an answer repeats an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Incidents in a piece of a list.
const DEFAULT_LIMIT: u32 = 20;
/// Most of them.
const MOST_LIMIT: u32 = 100;

fn no_such(id: Uuid) -> Problem {
    Problem::new(
        Kind::NoSuchIncident,
        format!("there is no incident {id}; it may have been removed to make room"),
    )
}

/// The path of an incident.
pub(crate) fn path(id: Uuid) -> String {
    format!("/api/v1/incidents/{id}")
}

fn location(id: Uuid) -> [(HeaderName, String); 1] {
    [(header::LOCATION, path(id))]
}

/// Investigate what a description says
///
/// The answer comes at once; the investigation takes about a second more. Poll the path in
/// `Location`, or read its events.
#[utoipa::path(post, path = "/api/v1/incidents", operation_id = "createIncident", tag = "incidents",
    request_body = IncidentRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request answer with the incident of the first", max_length = 255, min_length = 1, pattern = "^[!-~]{1,255}$")),
    responses((status = 202, description = "Taken", body = Accepted,
        headers(("Location" = String, description = "The incident's path"),
            ("Idempotency-Replayed" = String, description = "`true` where an earlier request with this key made the incident"))),
        (status = 409, response = super::openapi::Conflict)))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    asker: Asker,
    headers: HeaderMap,
    JsonBody(request): JsonBody<IncidentRequest, SMALL>,
) -> Result<Response, Problem> {
    let question = request.question()?;
    let idempotency = idempotency(&headers, &asker.caller.to_string(), &question)?;
    let new = NewIncident {
        id: Uuid::now_v7(),
        question,
        request_id: asker.request_id,
        created_at: Timestamp::now(),
        idempotency,
        alert: None,
    };
    match app.desk.submit(new).await? {
        Creation::Created(incident) | Creation::Folded(incident) => {
            let body = Json(Accepted::from(&*incident));
            Ok((StatusCode::ACCEPTED, location(incident.id), body).into_response())
        }
        Creation::Replayed(incident) => {
            let replayed = [(REPLAYED, HeaderValue::from_static("true"))];
            let body = Json(Accepted::from(&*incident));
            Ok((StatusCode::ACCEPTED, location(incident.id), replayed, body).into_response())
        }
        Creation::KeyReused => Err(Problem::new(
            Kind::KeyReused,
            "an earlier request with this key asked something else; take a new key",
        )),
    }
}

/// Read an incident
#[utoipa::path(get, path = "/api/v1/incidents/{id}", operation_id = "getIncident", tag = "incidents",
    params(("id" = Uuid, Path, description = "The incident's id")),
    responses((status = 200, description = "The incident", body = Incident),
        (status = 404, response = super::openapi::NotFound)))]
pub(crate) async fn read(
    State(app): State<SharedApp>,
    IncidentId(id): IncidentId,
) -> Result<Json<Incident>, Problem> {
    let incident = app.store.get(id).await?.ok_or_else(|| no_such(id))?;
    Incident::try_from(&*incident).map(Json)
}

/// List incidents, newest first
#[utoipa::path(get, path = "/api/v1/incidents", operation_id = "listIncidents", tag = "incidents",
    params(ListQuery),
    responses((status = 200, description = "A piece of the list", body = IncidentList)))]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    StrictQuery(query): StrictQuery<ListQuery>,
) -> Result<Json<IncidentList>, Problem> {
    let wrong = |what: &str| Problem::new(Kind::InvalidQuery, what);
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST_LIMIT).contains(&limit) {
        return Err(wrong("`limit` is from 1 to 100"));
    }
    if query.namespace.as_deref().is_some_and(|name| !is_namespace(name)) {
        return Err(wrong("`namespace` is no name of a namespace"));
    }
    if query.cause.as_deref().is_some_and(|cause| !is_cause(cause)) {
        return Err(wrong("`cause` is no id of a failure mode"));
    }
    let after = query.cursor.as_deref().map(cursor).transpose()?;
    let filter = Filter {
        status: query.status,
        namespace: query.namespace,
        cause: query.cause,
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let listing = app.store.list(filter, after, usize::try_from(limit).unwrap_or(1)).await?;
    Ok(Json(IncidentList {
        items: listing.incidents.iter().map(|incident| IncidentSummary::from(&**incident)).collect(),
        next_cursor: listing.next.map(|id| format!("c{}", id.simple())),
    }))
}

/// The id that a cursor stands for.
fn cursor(text: &str) -> Result<Uuid, Problem> {
    let digits = text.strip_prefix('c').filter(|digits| {
        digits.len() == 32
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    digits
        .and_then(|digits| Uuid::try_parse(digits).ok())
        .ok_or_else(|| Problem::new(Kind::InvalidCursor, "give `next_cursor` of the piece before as it was"))
}

/// Cancel an incident that is not finished, or remove one that is
#[utoipa::path(delete, path = "/api/v1/incidents/{id}", operation_id = "deleteIncident", tag = "incidents",
    params(("id" = Uuid, Path, description = "The incident's id")),
    responses((status = 204, description = "It was finished, and is removed"),
        (status = 303, description = "It was not finished, and is cancelled: it is still there", body = Incident,
            headers(("Location" = String, description = "The incident's path"))),
        (status = 404, response = super::openapi::NotFound)))]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    IncidentId(id): IncidentId,
) -> Result<Response, Problem> {
    match app.desk.cancel(id).await? {
        Cancelled::Done(incident) => {
            let body = Json(Incident::try_from(&*incident)?);
            Ok((StatusCode::SEE_OTHER, location(id), body).into_response())
        }
        Cancelled::Missing => Err(no_such(id)),
        Cancelled::Finished => match app.store.remove(id).await? {
            Removal::Removed => Ok(StatusCode::NO_CONTENT.into_response()),
            _ => Err(no_such(id)),
        },
    }
}

/// Say what it was
///
/// Kept with the incident: the failure mode that it was after all, a note, or both.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/feedback", operation_id = "addFeedback", tag = "incidents",
    params(("id" = Uuid, Path, description = "The incident's id")),
    request_body = FeedbackRequest,
    responses((status = 200, description = "The incident with the feedback", body = Incident),
        (status = 404, response = super::openapi::NotFound)))]
pub(crate) async fn feedback(
    State(app): State<SharedApp>,
    IncidentId(id): IncidentId,
    JsonBody(request): JsonBody<FeedbackRequest, SMALL>,
) -> Result<Json<Incident>, Problem> {
    let feedback = request.feedback(Timestamp::now())?;
    let incident = app.store.add_feedback(id, feedback).await?.ok_or_else(|| no_such(id))?;
    Incident::try_from(&*incident).map(Json)
}
