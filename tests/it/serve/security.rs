//! Tokens, addresses, hosts, origins, rates, TLS, headers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sre_orch::serve::{Config, ServeError, Server, TlsFiles};
use sre_orch::store::{Bounds, MemoryRepository};

use super::{INCIDENTS, Running, Script, config, header, problem};

const TOKEN: &str = "first-token-0123456789";

async fn with_tokens(text: &str) -> (Running, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    std::fs::write(&path, text).unwrap();
    let config = Config { token_file: Some(path), ..config() };
    (Running::start(config, Bounds::default(), Script::default()).await, directory)
}

#[tokio::test]
async fn a_token_is_needed_where_there_are_tokens() {
    let (server, directory) = with_tokens(&format!("# team\n{TOKEN}\nsecond-token-0123456789\n")).await;
    for path in ["/", "/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
    for path in [INCIDENTS, "/metrics", "/api/v1/incidents/x", "/api/v1/alerts", "/nothing"] {
        let response = server.get(path).await;
        assert_eq!(header(&response, "www-authenticate"), "Bearer", "{path}");
        problem(response, 401, "unauthorized").await;
    }
    let with = |value: String| server.request(Method::GET, INCIDENTS).header("authorization", value).send();
    for wrong in [
        format!("Bearer {TOKEN}x"),
        format!("Basic {TOKEN}"),
        TOKEN.to_owned(),
        "Bearer ".to_owned(),
        "Bearer # team".to_owned(),
    ] {
        problem(with(wrong).await.unwrap(), 401, "unauthorized").await;
    }
    assert_eq!(with(format!("Bearer {TOKEN}")).await.unwrap().status(), 200);
    assert_eq!(with("bearer second-token-0123456789".to_owned()).await.unwrap().status(), 200);

    // Read again when the file changes.
    std::fs::write(directory.path().join("tokens"), "third-token-0123456789\n").unwrap();
    for _ in 0..100 {
        if with("Bearer third-token-0123456789".to_owned()).await.unwrap().status() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(with("Bearer third-token-0123456789".to_owned()).await.unwrap().status(), 200);
    assert_eq!(with(format!("Bearer {TOKEN}")).await.unwrap().status(), 401);
}

#[tokio::test]
async fn another_clients_idempotency_key_is_another_key() {
    let (server, _directory) = with_tokens(&format!("{TOKEN}\nsecond-token-0123456789\n")).await;
    let send = |token: &str| {
        let request =
            server.request(Method::POST, INCIDENTS).bearer_auth(token).header("idempotency-key", "one");
        request.json(&json!({"description": "web"})).send()
    };
    let first = header(&send(TOKEN).await.unwrap(), "location");
    assert_ne!(header(&send("second-token-0123456789").await.unwrap(), "location"), first);
    assert_eq!(header(&send(TOKEN).await.unwrap(), "location"), first);
}

#[tokio::test]
async fn beyond_this_machine_a_token_or_a_word_is_needed() {
    let bind = async |insecure| {
        let config = Config { listen: "0.0.0.0:0".parse().unwrap(), insecure, ..config() };
        let store = Arc::new(MemoryRepository::new(Bounds::default()));
        let here = tokio::runtime::Handle::current();
        Server::bind(config, store, Arc::new(Script::default()), Arc::default(), here).await
    };
    assert!(matches!(bind(false).await, Err(ServeError::Open(_))));
    assert!(bind(true).await.is_ok());
}

#[tokio::test]
async fn a_page_under_another_name_is_not_answered() {
    let server = Running::scripted(&Script::default()).await;
    let with = |host: &'static str| server.request(Method::GET, INCIDENTS).header("host", host).send();
    for host in ["localhost", "localhost:8080", "127.0.0.1", "[::1]:80", "127.5.5.5"] {
        assert_eq!(with(host).await.unwrap().status(), 200, "{host}");
    }
    for host in ["rebound.example", "127.0.0.1.example:80", "localhost.example", "10.0.0.1"] {
        problem(with(host).await.unwrap(), 421, "wrong-host").await;
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_by_name_only() {
    let closed = Running::scripted(&Script::default()).await;
    let from = |server: &Running, origin: &'static str| {
        server.request(Method::GET, INCIDENTS).header("origin", origin).send()
    };
    let response = from(&closed, "https://runbooks.example").await.unwrap();
    assert_eq!(header(&response, "access-control-allow-origin"), "");

    let config = Config { origins: vec!["https://runbooks.example".to_owned()], ..config() };
    let open = Running::start(config, Bounds::default(), Script::default()).await;
    let response = from(&open, "https://runbooks.example").await.unwrap();
    assert_eq!(header(&response, "access-control-allow-origin"), "https://runbooks.example");
    assert_eq!(header(&response, "vary"), "Origin");
    let response = from(&open, "https://evil.example").await.unwrap();
    assert_eq!(header(&response, "access-control-allow-origin"), "");
    let preflight = open.request(Method::OPTIONS, INCIDENTS).header("origin", "https://runbooks.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert!(header(&preflight, "access-control-allow-methods").contains("POST"));
}

#[tokio::test]
async fn a_client_has_a_rate() {
    let config = Config { rate_limit: 5, ..config() };
    let server = Running::start(config, Bounds::default(), Script::default()).await;
    let mut refused = None;
    for _ in 0..30 {
        let response = server.get(INCIDENTS).await;
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.expect("refused");
    assert_eq!(header(&refused, "retry-after"), "1");
    problem(refused, 429, "rate-limited").await;
    // Probes are not counted.
    for _ in 0..30 {
        assert_eq!(server.get("/healthz").await.status(), 200);
    }
}

#[tokio::test]
async fn headers_tell_browsers_what_not_to_do() {
    let server = Running::scripted(&Script::default()).await;
    for path in ["/", INCIDENTS, "/nothing", "/healthz"] {
        let response = server.get(path).await;
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header(&response, "strict-transport-security"), "", "{path}");
    }
}

#[tokio::test]
async fn a_request_id_comes_back_unless_it_is_harmful() {
    let server = Running::scripted(&Script::default()).await;
    let with = |id: &'static str| {
        server
            .request(Method::POST, INCIDENTS)
            .header("x-request-id", id)
            .json(&json!({"description": ""}))
            .send()
    };
    let response = with("deploy-42").await.unwrap();
    assert_eq!(header(&response, "x-request-id"), "deploy-42");
    assert_eq!(server.json(&header(&response, "location")).await["request_id"], "deploy-42");
    for harmful in ["two words", "a\"b", "<b>"] {
        assert_ne!(header(&with(harmful).await.unwrap(), "x-request-id"), harmful);
    }
}

fn place(directory: &Path, which: &str) -> TlsFiles {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/serve/tls");
    let files = TlsFiles { certificate: directory.join("tls.crt"), key: directory.join("tls.key") };
    std::fs::copy(from.join(format!("{which}.crt")), &files.certificate).unwrap();
    std::fs::copy(from.join(format!("{which}.key")), &files.key).unwrap();
    files
}

/// The certificate that a server shows to a new connection.
async fn shown(url: &str) -> Vec<u8> {
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .no_proxy()
        .build()
        .unwrap();
    let response = client.get(format!("{url}/healthz")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let info = response.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

#[tokio::test]
async fn tls_follows_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let tls = Some(place(directory.path(), "first"));
    let server = Running::start(Config { tls, ..config() }, Bounds::default(), Script::default()).await;
    assert!(server.url.starts_with("https://"));
    let response = server.get("/healthz").await;
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(header(&response, "strict-transport-security"), "max-age=31536000");
    let old = server.client.clone();
    assert_eq!(
        old.get(format!("{}/", server.url)).version(reqwest::Version::HTTP_11).send().await.unwrap().status(),
        200
    );
    let first = shown(&server.url).await;
    // Half a change keeps the old pair.
    std::fs::write(directory.path().join("tls.crt"), "broken").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(shown(&server.url).await, first);
    place(directory.path(), "second");
    let mut second = first.clone();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        second = shown(&server.url).await;
        if second != first {
            break;
        }
    }
    assert_ne!(second, first);
    // Plain HTTP on this port gets nothing, and harms nobody.
    assert!(reqwest::get(server.url.replace("https", "http")).await.is_err());
    assert_eq!(server.get("/healthz").await.status(), 200);
}
