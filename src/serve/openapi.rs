//! The OpenAPI document, made from the code: paths and own types by utoipa, the report's types by
//! the JSON Schema that the command line publishes.

use axum::body::Bytes;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Type};

use super::api::{Alert, IncidentError, LABEL_KEY, LABEL_VALUE, MOST_LABELS};
use super::problem;
use crate::report::model::Report;

/// What the document says about the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "sre-orch",
        description = "The root cause of Kubernetes incidents, with its evidence.\n\nErrors are `application/problem+json` (RFC 9457); their `type` never changes its meaning. Every answer has `X-Request-Id`."
    ),
    tags(
        (name = "incidents", description = "Questions and their reports"),
        (name = "alerts", description = "What monitoring sends"),
        (name = "operations", description = "For whoever runs the server")
    ),
    components(schemas(problem::Document, IncidentError, Alert), responses(NotFound, Conflict))
)]
pub(crate) struct Document;

macro_rules! problem_response {
    ($($(#[$doc:meta])* $name:ident, $description:literal;)*) => { $(
        $(#[$doc])*
        #[derive(utoipa::ToResponse)]
        #[response(description = $description, content_type = "application/problem+json")]
        #[expect(dead_code, reason = "only the document needs it")]
        pub(crate) struct $name(problem::Document<'static>);
    )* };
}

problem_response! {
    /// Where an incident does not exist.
    NotFound, "There is no such incident";
    /// Where an idempotency key was used before.
    Conflict, "The Idempotency-Key was used for another request";
}

/// A type of the report, or null.
fn part(name: &str, description: &str) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().description(Some(description)).item(Ref::from_schema_name(name)).item(null).into()
}

/// How a description was understood, or null.
pub(crate) fn intent() -> RefOr<Schema> {
    part("IntentInfo", "How the description was understood: the report's `intent`. Null until completed.")
}

/// A level of confidence, or null.
pub(crate) fn level() -> RefOr<Schema> {
    part("Level", "How sure the first hypothesis is; null until completed, and where there is none.")
}

/// A verdict, or null.
pub(crate) fn verdict() -> RefOr<Schema> {
    part("Verdict", "The answer in one word; null until completed.")
}

/// A report, or null.
pub(crate) fn report() -> RefOr<Schema> {
    part("Report", "The whole report, as `sre-orch investigate -o json` prints it; null until completed.")
}

/// An error, or null.
pub(crate) fn error() -> RefOr<Schema> {
    part("IncidentError", "Why it failed; null unless it did.")
}

/// An alert group, or null.
pub(crate) fn alert() -> RefOr<Schema> {
    part("Alert", "The alerts that it was made of; null where it was made of a description.")
}

/// Evidence.
pub(crate) fn evidence() -> RefOr<Schema> {
    let description = "What proves the first hypothesis; empty until completed, and where there is none.";
    ArrayBuilder::new().description(Some(description)).items(Ref::from_schema_name("EvidenceItem")).into()
}

/// The labels of a question, or null.
pub(crate) fn labels() -> RefOr<Schema> {
    let value = ObjectBuilder::new().schema_type(Type::String).pattern(Some(LABEL_VALUE)).build();
    let key = ObjectBuilder::new().schema_type(Type::String).pattern(Some(LABEL_KEY)).build();
    let labels = ObjectBuilder::new()
        .property_names(Some(Schema::Object(key)))
        .max_properties(Some(MOST_LABELS))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(value)))));
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new()
        .description(Some(
            "Labels of the workloads that the complaint is about, where the description names none",
        ))
        .item(labels)
        .item(null)
        .into()
}

/// The whole document.
pub(crate) fn render(api: utoipa::openapi::OpenApi, with_tokens: bool) -> serde_json::Result<Bytes> {
    let mut document = serde_json::to_value(api)?;
    add_report(&mut document);
    add_problems(&mut document, with_tokens);
    if let (true, Some(document)) = (with_tokens, document.as_object_mut()) {
        document.insert("security".to_owned(), json!([{"token": []}]));
    }
    if let (true, Some(components)) = (with_tokens, object(&mut document, "/components")) {
        let token =
            json!({"type": "http", "scheme": "bearer", "description": "A token of the server's token file"});
        components.insert("securitySchemes".to_owned(), json!({"token": token}));
    }
    serde_json::to_vec(&document).map(Bytes::from)
}

/// The object at a place of the document.
fn object<'d>(document: &'d mut Value, pointer: &str) -> Option<&'d mut Map<String, Value>> {
    document.pointer_mut(pointer)?.as_object_mut()
}

/// Adds the schemas of the report.
fn add_report(document: &mut Value) {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let _ = generator.subschema_for::<Report>();
    let definitions = generator.take_definitions(true);
    if let Some(schemas) = object(document, "/components/schemas") {
        schemas.extend(definitions);
    }
}

/// What any operation may answer beside what its handler does: status, description.
fn common(method: &str, open: bool) -> Vec<(u16, &'static str)> {
    let mut common = vec![
        (400, "The request is malformed"),
        (421, "Without a token only this machine's own names are answered"),
        (429, "This client sends more requests than it may"),
        (500, "The server failed"),
        (503, "The server cannot do this now"),
    ];
    if !open {
        common.push((401, "A valid token is needed"));
    }
    if method == "post" {
        common.extend([
            (408, "The body did not arrive in time"),
            (413, "The body is too large"),
            (415, "The body must be application/json"),
            (422, "The body is not what this takes"),
        ]);
    }
    common
}

/// Adds the answers that the guard and the extractors give, and the request's id to all.
fn add_problems(document: &mut Value, with_tokens: bool) {
    let paths = object(document, "/paths").into_iter().flat_map(Map::values_mut);
    for (method, operation) in paths.filter_map(Value::as_object_mut).flatten() {
        let open = !with_tokens || operation.get("security").is_some();
        let Some(responses) = object(operation, "/responses") else { continue };
        for (status, description) in common(method, open) {
            responses.entry(status.to_string()).or_insert_with(|| problem_response(status, description));
        }
        for response in responses.values_mut().filter_map(Value::as_object_mut) {
            if response.contains_key("$ref") {
                continue;
            }
            let headers = response.entry("headers").or_insert_with(|| json!({}));
            let id = json!({"description": "The request's id, which is in the server's log too", "schema": {"type": "string"}});
            if let Some(headers) = headers.as_object_mut() {
                headers.insert("X-Request-Id".to_owned(), id);
            }
        }
    }
}

fn problem_response(status: u16, description: &str) -> Value {
    let headers = match status {
        429 | 503 => json!({"Retry-After": {
            "description": "Seconds to wait", "required": true, "schema": {"type": "integer", "minimum": 0}}}),
        401 => json!({"WWW-Authenticate": {
            "description": "Always `Bearer`", "required": true, "schema": {"type": "string"}}}),
        _ => json!({}),
    };
    json!({
        "description": description,
        "headers": headers,
        "content": {problem::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}
