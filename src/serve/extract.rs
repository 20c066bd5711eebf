//! What requests carry, read within bounds; what is wrong with it becomes a problem.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::app::SharedApp;
use super::problem::{Kind, Problem};
use crate::store::Idempotency;

/// Bytes of a body about one incident.
pub(crate) const SMALL: usize = 64 << 10;
/// Bytes of Alertmanager's body, which may have many alerts.
pub(crate) const LARGE: usize = 1 << 20;

/// A JSON body of at most so many bytes.
pub(crate) struct JsonBody<T, const MOST: usize>(pub(crate) T);

impl<T: DeserializeOwned, const MOST: usize> FromRequest<SharedApp> for JsonBody<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        let too_large = || Problem::new(Kind::TooLarge, format!("a body may have {MOST} bytes"));
        let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if declared.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > MOST) {
            return Err(too_large());
        }
        let body = Limited::new(request.into_body(), MOST).collect();
        let body = match tokio::time::timeout(app.patience, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Err(_)) => return Err(Problem::new(Kind::InvalidJson, "the body broke off")),
            Err(_) => {
                let seconds = app.patience.as_secs();
                return Err(Problem::new(Kind::SlowBody, format!("a body must arrive within {seconds} s")));
            }
        };
        // The decoder takes a list of values for an object, too.
        if body.trim_ascii_start().first() == Some(&b'[') {
            return Err(Problem::new(Kind::InvalidRequest, "expected an object, not a list"));
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            let kind = if error.is_data() { Kind::InvalidRequest } else { Kind::InvalidJson };
            Problem::new(kind, error.to_string())
        })
    }
}

/// Only JSON is taken, which also keeps browsers from sending a form of another site's.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Kind::UnsupportedMediaType, "send `Content-Type: application/json`"))
}

/// The id in a path.
pub(crate) struct IncidentId(pub(crate) Uuid);

impl FromRequestParts<SharedApp> for IncidentId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, app).await.map(|Path(text)| text);
        // The other spellings that the parser knows are no ids of ours.
        let id = text.ok().filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(&text).ok());
        id.map(Self).ok_or_else(|| Problem::new(Kind::InvalidId, "an id is a UUID as POST gave it"))
    }
}

/// A query whose every field is known.
pub(crate) struct StrictQuery<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<SharedApp> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, app).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem::new(Kind::InvalidQuery, error.body_text())),
        }
    }
}

/// Reads `Idempotency-Key`; the same key of another client is another key.
pub(crate) fn idempotency(
    headers: &HeaderMap,
    caller: &str,
    asked: &impl serde::Serialize,
) -> Result<Option<Idempotency>, Problem> {
    use sha2::{Digest, Sha256};

    let mut given = headers.get_all("idempotency-key").iter();
    let Some(key) = given.next() else { return Ok(None) };
    let wrong = || {
        Problem::new(
            Kind::InvalidHeader,
            "`Idempotency-Key`: once, 1 to 255 printable ASCII characters without spaces",
        )
    };
    let key = key.as_bytes();
    let printable = key.iter().all(u8::is_ascii_graphic);
    if given.next().is_some() || !(1..=255).contains(&key.len()) || !printable {
        return Err(wrong());
    }
    let asked = serde_json::to_vec(asked).map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    let key = Sha256::new().chain_update(caller).chain_update([0]).chain_update(key).finalize();
    Ok(Some(Idempotency { key: key.into(), fingerprint: Sha256::digest(asked).into() }))
}
