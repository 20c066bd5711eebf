//! Health, readiness, metrics, the OpenAPI document.

use serde_json::{Value, json};

use super::{INCIDENTS, Running, Script, config, header, problem};
use sre_orch::store::Bounds;

#[tokio::test]
async fn health_and_readiness_differ() {
    let broken = Script { ready: Err("the API server cannot be read".to_owned()), ..Script::default() };
    let server = Running::scripted(&broken).await;
    assert_eq!(server.get("/healthz").await.status(), 200);
    let response = server.get("/readyz").await;
    assert!(!header(&response, "retry-after").is_empty());
    problem(response, 503, "not-ready").await;
    let well = Running::scripted(&Script::default()).await;
    assert_eq!(well.json("/readyz").await["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happens() {
    let server = Running::recorded("healthy-redis").await;
    let path = server.submit("").await;
    server.until(&path, "completed").await;
    let failed = server.post(INCIDENTS, &json!({"description": "", "namespace": "no-such"})).await;
    server.until(&header(&failed, "location"), "failed").await;
    server.get("/nothing/here").await;
    let response = server.get("/metrics").await;
    assert!(header(&response, "content-type").starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    for line in [
        "sre_orch_http_requests_total{method=\"POST\",route=\"/api/v1/incidents\",status=\"202\"} 2",
        "sre_orch_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "sre_orch_investigations_total{verdict=\"no_fault\"} 1",
        "sre_orch_investigations_total{verdict=\"failed\"} 1",
        "sre_orch_investigation_duration_seconds_count 2",
        "sre_orch_queue_depth 0",
        "sre_orch_incidents{status=\"finished\"} 2",
        "sre_orch_llm_calls_total 0",
        "sre_orch_ready 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}:\n{text}");
    }
    assert!(text.contains("sre_orch_cluster_requests_total{from=\"cluster\"}"), "{text}");
    assert!(!text.contains(path.rsplit('/').next().unwrap()), "an id in a metric's label");
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_fails_with_the_nearest() {
    let server = Running::recorded("healthy-redis").await;
    let response = server.post(INCIDENTS, &json!({"description": "", "namespace": "kube-sistem"})).await;
    let incident = server.until(&header(&response, "location"), "failed").await;
    assert_eq!(incident["error"]["code"], "namespace-not-found");
    assert!(incident["error"]["detail"].as_str().unwrap().contains("kube-system"), "{incident}");
}

/// Calls a function for every schema of an object's property, with its path.
fn properties(schema: &Value, path: &str, test: &mut dyn FnMut(&str, &Value)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        test(&path, property);
        properties(property, &path, test);
    }
}

#[tokio::test]
async fn the_document_describes_everything() {
    let server = Running::scripted(&Script::default()).await;
    let response = server.get("/openapi.json").await;
    assert_eq!(header(&response, "content-type"), "application/json");
    let document: Value = response.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut bare = Vec::new();
    for (name, schema) in schemas {
        properties(schema, name, &mut |path, property| {
            if property["description"].as_str().is_none_or(str::is_empty) {
                bare.push(path.to_owned());
            }
        });
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for field in ["operationId", "summary", "tags"] {
                assert!(!operation[field].is_null(), "{method} {path}: {field}");
            }
        }
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    assert_eq!(document["components"].get("securitySchemes"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_the_document_says() {
    let server = Running::recorded("redis-out-of-memory").await;
    let document = server.json("/openapi.json").await;
    let path = server.submit("redis is failing").await;
    let check = |name: &str, answer: &Value| {
        let schema =
            json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(answer)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    };
    check("Incident", &server.json(&path).await);
    check("Incident", &server.until(&path, "completed").await);
    check("IncidentList", &server.json(INCIDENTS).await);
    check("Problem", &server.json("/nothing").await);
    check("Health", &server.json("/healthz").await);
}

#[tokio::test]
async fn with_tokens_the_document_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    std::fs::write(&tokens, "a-token-for-this-test\n").unwrap();
    let config = sre_orch::serve::Config { token_file: Some(tokens), ..config() };
    let server = Running::start(config, Bounds::default(), Script::default()).await;
    let document = server.json("/openapi.json").await;
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    assert!(document["paths"]["/api/v1/incidents"]["post"]["responses"]["401"].is_object());
    assert!(document["paths"]["/healthz"]["get"]["responses"].get("401").is_none());
}
