use proptest::prelude::*;

use super::*;

const CANARY: &str = "Zq7canaryX93";

/// Contexts in which `§` stands for a credential.
const LEAKS: &[&str] = &[
    "DB_PASSWORD=§",
    "password: §",
    "Error: login failed, password=§, user=web",
    "export SMTP_PASS='§'",
    "clientSecret: \"§\"",
    r#"{"user":"web","password":"§","port":5432}"#,
    r#"{"msg":"{\"password\":\"§\"}"}"#,
    "{password: §}",
    "api-key=§&x=1",
    "postgres://web:§@db:5432/shop",
    "postgres://web:§/x@db:5432/shop",
    "redis://:§@cache:6379/0",
    "https://§@git.example.com/a.git",
    "web:§@tcp(db:3306)/shop",
    "Authorization: Bearer §",
    "authorization=Basic §==",
    "curl -H 'Authorization: token §' https://api",
    r#"{"Authorization":["Bearer §"]}"#,
    "proxy sent bearer § upstream",
    "Authorization: Digest username=\"web\", response=\"§\"",
    "Authorization: AWS4-HMAC-SHA256 Credential=§/20260101, Signature=§",
    "Authorization: §",
    "Cookie: sid=§; theme=dark",
    "Set-Cookie: session=§; HttpOnly",
    "GET /v1?user=web&token=§ HTTP/1.1",
    "https://blob/x?sv=2021&sig=§&se=2",
    "https://bucket/x?X-Amz-Signature=§",
    "AccountName=shop;AccountKey=§;EndpointSuffix=core",
    "Server=db;User Id=sa;Password=§;Encrypt=true",
    "Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=§",
    "mysql -h db -uroot -p§ shop",
    "app -p § --verbose",
    "app --quiet --password §",
    "app --token=§",
    r#"args: ["--password", "§"]"#,
    "aws_secret_access_key = §",
    "SecretAccessKey: §",
    "- name: DB_PASSWORD\n  value: §\n",
    r#"{"name":"API_TOKEN","value":"§"}"#,
    "password: |\n  §\n  §\nother: 1",
    "config.password=>§",
    "SESSION_KEY_2=§",
    "{\"db-secret\" : \"§\"}",
    "auth-token:§",
    "volume password:§",
    "kubectl patch x -p '{\"password\":\"§\"}'",
    "CREATE USER web IDENTIFIED BY '§'",
    "-----BEGIN PRIVATE KEY-----\n§\n§\n-----END PRIVATE KEY-----\n",
    r"key -----BEGIN RSA PRIVATE KEY-----\n§\n-----END RSA PRIVATE KEY-----\n done",
    "-----BEGIN EC PRIVATE KEY-----\n§",
    "https://hooks.slack.com/services/T0/B0/§",
];

/// Credentials that need no name.
const SHAPES: &[&str] = &[
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_1234567890abcdefghijABCDEFGHIJ123456",
    "xoxb-123456789012-abcdefABCDEF",
    "sk-proj-abcDEF1234567890abcd",
    "sk_live_abcDEF1234567890",
    "glpat-abcDEF1234567890abcd",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY12",
];

/// What a diagnosis needs and must stay as it is.
const ORDINARY: &[&str] = &[
    "couldn't find key DB_PASSWORD in Secret ns/x",
    "Error: couldn't find key password in Secret shop/db",
    "secret \"db-credentials\" not found",
    "references non-existent secret key: DB_PASSWORD",
    "SMTP_PASS",
    "environment variable SMTP_PASS is required",
    "KeyError: 'SMTP_PASS'",
    "SMTP_PASS: missing",
    "DB_PASSWORD=",
    "password: \"\"",
    "Access denied for user 'web'@'10.0.0.7' (using password: YES)",
    "FATAL: password authentication failed for user \"web\"",
    "Image: web@sha256:0d3ae0dbd2a4b1a6f1c2e5e4a7f7bd0d3ae0dbd2a4b1a6f1c2e5e4a7f7bd0d3a",
    "pod checkout-7d9f8b6c5d-x2x1z uid 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "pod-template-hash=7d9f8b6c5d",
    "key: node.kubernetes.io/not-ready",
    "topologyKey: kubernetes.io/hostname",
    "dial tcp 10.0.0.7:5432: connect: connection refused",
    "http://web.shop.svc:8080/path?mail=a@b.example",
    "secretName: db-credentials",
    "PASSWORD_FILE=/run/secrets/pw",
    "automountServiceAccountToken: false",
    "DB_PASSWORD:  <set to the key 'password' in secret 'db'>  Optional: false",
    "PASSWORD=$(DB_PASSWORD)",
    "token: ${API_TOKEN}",
    "invalid token: expected an identifier",
    "failed to refresh token: connection refused",
    "max_tokens=4096",
    "mkdir -p data/x && nc -p 8080",
    "docker run -p 8080:80 web",
    "basic authentication failed, bearer authentication too",
    "WWW-Authenticate: Bearer realm=\"shop\"",
    "use --token to pass one",
    "dial tcp: lookup token-vault:443",
    "kubectl create secret docker-registry <name> --docker-username=<user> --docker-password=<token>",
    "upstream token-vault.auth.svc.cluster.local:8443, http://secret-store:8200/v1",
    "MountVolume.SetUp failed for volume \"ca-secret\" : references non-existent secret key: ca.crt",
    "kubectl -n shop patch pvc/data --type=merge -p '{\"metadata\":{\"finalizers\":null}}'",
    "kubectl patch pv x --type=json -p '[{\"op\":\"remove\",\"path\":\"/spec/claimRef\"}]'",
    "key=shop/checkout-7d9f8b6c5d-x2x1z",
    "tls-private-key=/etc/tls/tls.key",
    "spec.template.spec.containers[0].env[3].valueFrom.secretKeyRef",
    "MountVolume.SetUp failed for volume \"token\" : failed to fetch token: Post \"https://10.96.0.1\": EOF",
    "commit 0d3ae0dbd2a4b1a6f1c2e5e4a7f7bd0d3ae0dbd2",
    "Back-off restarting failed container web in pod checkout-7d9f8b6c5d-x2x1z_shop(1b4e28ba-2fa1-11d2-883f-0016d3cca427)",
];

#[test]
fn credentials_do_not_pass() {
    for context in LEAKS {
        let input = context.replace('§', CANARY);
        let output = text(&input);
        assert!(!output.contains(CANARY), "{context}: {output}");
        assert!(output.contains(MARKER), "{context}: {output}");
        assert_eq!(text(&output), output, "not idempotent: {context}");
    }
}

#[test]
fn credentials_are_known_by_their_shape() {
    for shape in SHAPES {
        for context in ["@", "got @ from upstream", "x(@)", "\"@\""] {
            let output = text(&context.replace('@', shape)).into_owned();
            assert!(!output.contains(shape), "{context}: {output}");
        }
    }
}

#[test]
fn ordinary_text_stays() {
    for ordinary in ORDINARY {
        assert_eq!(text(ordinary), *ordinary);
    }
}

#[test]
fn what_stands_around_a_credential_stays() {
    for (input, expected) in [
        ("user=web password=hunter2 host=db", "user=web password=[redacted] host=db"),
        ("postgres://web:hunter2@db:5432/shop", "postgres://[redacted]@db:5432/shop"),
        (r#"{"password":"hunter2","port":1}"#, r#"{"password":"[redacted]","port":1}"#),
        ("a -----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE----- z", "a [redacted] z"),
        ("no -----BEGIN CERTIFICATE----- header found", "no [redacted] header found"),
        ("Authorization: Bearer abcDEF123 Host: web", "Authorization: Bearer [redacted] Host: web"),
        ("(token=hunter2)", "(token=[redacted])"),
    ] {
        assert_eq!(text(input), expected);
    }
}

#[test]
fn names() {
    for name in [
        "SMTP_PASS",
        "dbPassword",
        "client-secret",
        "API_KEY",
        "apiKey",
        "APIKey",
        "AWS_SECRET_ACCESS_KEY",
        "token2",
    ] {
        assert!(sensitive_name(name), "{name}");
    }
    for name in [
        "",
        "key",
        "topologyKey",
        "secretName",
        "PASSWORD_FILE",
        "tokens",
        "compass",
        "TOKEN_TTL",
        "host",
        "passed",
    ] {
        assert!(!sensitive_name(name), "{name}");
    }
}

#[test]
fn escapes_are_stripped() {
    for (input, expected) in [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("a\u{1b}]8;;http://evil\u{7}link\u{1b}]8;;\u{1b}\\b", "alinkb"),
        ("a\u{1b}]0;never ends\nb", "a\nb"),
        ("a\u{9b}2Jb\u{85}c\r\n", "abc\n"),
        ("a\u{1b}(Bb\u{1b}cc\u{0}\u{8}", "abc"),
        ("left\u{202e}right", "leftright"),
        ("\u{1b}", ""),
    ] {
        assert_eq!(strip_escapes(input), expected, "{input:?}");
    }
}

#[test]
fn a_credential_broken_by_escapes_is_found_by_clean() {
    assert_eq!(clean("pass\u{1b}[0mword=hun\u{1b}[1mter2"), "password=[redacted]");
}

#[test]
fn hostile_repetition_is_linear() {
    let start = std::time::Instant::now();
    for unit in [
        "token:",
        "key:",
        "token=null,",
        "name:",
        "cookie:",
        "authorization:",
        "-----BEGIN ",
        "x://a:b",
        "password: |",
        "=",
        "\\",
        "\"password\":\"",
        "mysql -",
        "--p ",
        "bearer ",
        "eyJaaaaaa.",
        "token=<",
        "\u{1b}]",
        "é:",
    ] {
        let _ = clean(&unit.repeat(200_000 / unit.len()));
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

fn fragments() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(LEAKS).prop_map(str::to_owned),
        proptest::sample::select(SHAPES).prop_map(str::to_owned),
        proptest::sample::select(ORDINARY).prop_map(str::to_owned),
        proptest::sample::select(vec![
            "=", ":", " ", "\n", "\"", "'", "\\", ",", ";", "&", "?", "@", "://", MARKER, "[", "]", ")", "<",
            ">", "|", "password", "token", "name", "value", "key", "--", "-p ", "Bearer ", "Cookie", "é",
            "\u{1b}[",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_redacted_once(input in fragments()) {
        let once = clean(&input).into_owned();
        prop_assert_eq!(clean(&once), once.as_str());
    }

    #[test]
    fn no_text_panics(input in any::<String>()) {
        let _ = clean(&input);
        let _ = sensitive_name(&input);
    }
}
