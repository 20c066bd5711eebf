//! Clients that misbehave: others are still served.

use std::time::{Duration, Instant};

use sre_orch::serve::Config;
use sre_orch::store::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Running, Script, config};

async fn server(connections: usize, patience: Duration) -> Running {
    let config = Config { connections, patience, ..config() };
    Running::start(config, Bounds::default(), Script::default()).await
}

async fn connect(server: &Running) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What a server says until it closes the connection, and after how long.
async fn rest(stream: &mut TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut text = Vec::new();
    // A reset is an end too.
    let _ =
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut text)).await.expect("closed");
    (String::from_utf8_lossy(&text).into_owned(), start.elapsed())
}

#[tokio::test]
async fn slow_headers_and_idle_connections_are_closed() {
    let server = server(100, Duration::from_millis(500)).await;
    let mut idle = connect(&server).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    let drip = tokio::spawn(async move {
        // One byte now and then keeps it alive no longer.
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if slow.write_all(b"x").await.is_err() {
                return slow;
            }
        }
        slow
    });
    assert!(rest(&mut idle).await.1 < Duration::from_secs(3));
    let mut slow = drip.await.unwrap();
    assert!(rest(&mut slow).await.1 < Duration::from_secs(3));

    let mut kept = connect(&server).await;
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let (text, took) = rest(&mut kept).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_slow_body_is_answered_with_a_problem() {
    let server = server(100, Duration::from_millis(300)).await;
    let mut slow = connect(&server).await;
    let head = "POST /api/v1/incidents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let (text, _) = rest(&mut slow).await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("urn:sre-orch:problem:slow-body"), "{text}");
}

#[tokio::test]
async fn a_half_closed_client_still_gets_its_answer() {
    let server = server(100, Duration::from_secs(2)).await;
    let mut half = connect(&server).await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    half.shutdown().await.unwrap();
    let (text, took) = rest(&mut half).await;
    assert!(text.starts_with("HTTP/1.1 200") && took < Duration::from_secs(1), "{text}");
    let mut silent = connect(&server).await;
    silent.shutdown().await.unwrap();
    assert!(rest(&mut silent).await.1 < Duration::from_secs(1));
}

#[tokio::test]
async fn idle_connections_make_room_for_others() {
    let server = server(50, Duration::from_secs(60)).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(&server).await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        idle.push(stream);
    }
    for _ in 0..20 {
        let mut other = connect(&server).await;
        other
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(rest(&mut other).await.0.starts_with("HTTP/1.1 200"));
    }
    let open = server.get("/metrics").await.text().await.unwrap();
    let open = open
        .lines()
        .find_map(|line| line.strip_prefix("sre_orch_connections "))
        .unwrap()
        .parse::<u32>()
        .unwrap();
    assert!(open <= 50, "{open}");
}

#[tokio::test]
async fn broken_requests_harm_nobody() {
    let server = server(100, Duration::from_secs(2)).await;
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(64 << 10));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: b\r\n".repeat(500));
    let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(32 << 10));
    for broken in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST /api/v1/incidents HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v1/incidents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/v1/incidents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        &long,
        &many,
        &path,
    ] {
        let mut stream = connect(&server).await;
        let _ = stream.write_all(broken.as_bytes()).await;
        let _ = stream.shutdown().await;
        let (text, _) = rest(&mut stream).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{broken:.40}: {text:.80}");
        assert_eq!(server.get("/healthz").await.status(), 200);
    }
    assert_eq!(server.json("/api/v1/incidents").await["items"], serde_json::json!([]));
}
