//! The host and port that a log line is about.
//!
//! Log lines name their peer in many shapes, next to times, source positions and counters that
//! look alike. May not resolve anything: whether the host exists is the topology's to say.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::pattern::constant;
use crate::cluster::address::{Address, is_ip};
use crate::patterns::{Patterns, Reading};

/// Shapes in which a client names its peer, surest first; groups `host` and `port`.
const SHAPES: &[&str] = &[
    // Python's urllib3 and requests.
    r"host='(?P<host>[^']{1,253})', port=(?P<port>[0-9]{1,5})",
    // libpq, new and old.
    r#"(?:connection to )?server at "(?P<host>[^"]{1,253})"(?: \([^)]*\))?, port (?P<port>[0-9]{1,5})"#,
    r#"running on host "(?P<host>[^"]{1,253})"(?: \([^)]*\))? and accepting TCP/IP connections on port (?P<port>[0-9]{1,5})"#,
    // A connection string of key=value pairs.
    r"\bhost=(?P<host>[a-z][a-z0-9_.-]{0,252})(?: port=(?P<port>[0-9]{1,5}))?(?:[ `;,'\x22]|$)",
    // MySQL's clients.
    r"MySQL server on '(?P<host>[^':]{1,253})(?::(?P<port>[0-9]{1,5}))?'",
    // Java prints a socket address as name/ip:port; MongoDB writes address=.
    r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]{0,252})/(?:<unresolved>|[0-9]{1,3}(?:\.[0-9]{1,3}){3}):(?P<port>[0-9]{1,5})\b",
    r"\baddress=(?P<host>[a-z0-9_.-]{1,253}):(?P<port>[0-9]{1,5})\b",
    // Go: the dialled peer, and the far end of a connection.
    r"\bdial (?:tcp|udp)[46]? (?P<host>[a-z_][a-z0-9_.-]{0,252}):(?P<port>[0-9]{1,5})\b",
    r"->(?P<host>\[[0-9a-fA-F:.]{2,45}\]|[0-9.]{7,15}):(?P<port>[0-9]{1,5})\b",
    // nginx names the upstream.
    r#"upstream: "(?:[a-z]+://)?(?P<host>\[[0-9a-f:]+\]|[a-z0-9_.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"#,
    // curl, wget, Apache HttpClient and OkHttp.
    r"failed to connect to (?P<host>[a-z0-9_.-]{1,253}) port (?P<port>[0-9]{1,5})",
    r"connect(?:ion)? to (?P<host>[a-z0-9_.-]{1,253})(?: \[[^\]]*\])? (?:\([^)]*\) )?port (?P<port>[0-9]{1,5})",
    r"connect to (?P<host>[a-z0-9_.-]{1,253}):(?P<port>[0-9]{1,5}) \[",
    r"connection to (?P<host>[a-z][a-z0-9_.-]{0,252}) timed out",
    // Python's asyncio, and ssh-like tools.
    r"\('(?P<host>[^']{1,253})', (?P<port>[0-9]{1,5})[,)]",
    r"\bhost[ =:]+'?(?P<host>[a-z][a-z0-9_.-]{0,252})'?[ ,;]+port[ =:]+'?(?P<port>[0-9]{1,5})\b",
];
static SHAPED: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::new(SHAPES.iter().copied(), Reading::AsciiAnyCase));
/// Any URL.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r#"(?i)\b(?P<scheme>[a-z][a-z0-9+.]{1,20})://(?:[^\s/@"']{0,200}@)?(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9_.-]{0,252})(?::(?P<port>[0-9]{1,5})\b)?"#,
    )
});
/// `host:port` without a scheme.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)(?:^|[\s(\[\]'=,;<>/@|:{\x22]|tcp:)(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_][a-z0-9_.-]{0,252}):(?P<port>[0-9]{2,5})(?:[^0-9.:\w]|[.:](?:[^0-9]|$)|$)",
    )
});
/// A bare host in a field that is about the peer.
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)(?:^|[\s._])(?:host|hostname|address|addr|server|peer|upstream|broker|endpoint|target|remote|db_host|redis_host|peer_address|upstream_host|http\.host)=(?P<host>[a-z0-9_][a-z0-9_.-]{1,252})(?::(?P<port>[0-9]{1,5}))?(?:\s|$)",
    )
});
static FIELD_PORT: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)(?:^|[\s._])port=(?P<port>[0-9]{1,5})(?:\s|$)"));

/// The peer that an entry names: its statements, surest first, and its structured fields.
///
/// A name is preferred to the IP it resolved to. The second value is that IP, where both are
/// written.
pub(super) fn peer(statements: &[&str], fields: &str) -> (Option<Address>, Option<String>) {
    let mut found: Vec<Address> = Vec::new();
    for statement in statements {
        collect(statement, &mut found);
    }
    collect(fields, &mut found);
    if let Some(address) = FIELD.captures(fields).and_then(|captures| address(&captures, "")) {
        let port = address.port.or_else(|| {
            FIELD_PORT.captures(fields)?.name("port")?.as_str().parse().ok().filter(|port| *port != 0)
        });
        push(&mut found, Address { port, ..address });
    }
    choose(&found)
}

/// The host with the port that the entry writes next to it, where it writes one.
pub(super) fn named(host: &str, statements: &[&str], fields: &str) -> Option<u16> {
    let mut found: Vec<Address> = Vec::new();
    for text in statements.iter().chain([&fields]) {
        collect(text, &mut found);
    }
    found.iter().filter(|address| address.host == host).find_map(Address::port_or_default)
}

fn collect(text: &str, found: &mut Vec<Address>) {
    for shape in SHAPED.candidates(text) {
        let Some(captures) = SHAPED.regex(shape).and_then(|shape| shape.captures(text.as_bytes())) else {
            continue;
        };
        let part = |name| captures.name(name).and_then(|part| std::str::from_utf8(part.as_bytes()).ok());
        found.extend(part("host").and_then(|host| address_of(host, part("port"), "")));
    }
    for captures in URL.captures_iter(text).take(8) {
        let scheme = captures.name("scheme").map_or("", |scheme| scheme.as_str()).to_ascii_lowercase();
        let documents = captures.get(0).is_some_and(|url| is_documentation(text, url.start(), url.as_str()));
        if !documents
            && !matches!(scheme.as_str(), "file" | "unix" | "docker" | "containerd" | "node" | "webpack")
        {
            address(&captures, &scheme).into_iter().for_each(|address| push(found, address));
        }
    }
    for captures in PAIR.captures_iter(text).take(8) {
        let before = captures.name("host").and_then(|host| text.get(..host.start())).unwrap_or_default();
        if let Some(address) =
            address(&captures, "").filter(|pair| is_plausible_pair(pair) && !is_key(before))
        {
            push(found, address);
        }
    }
}

/// Whether a URL is where to read more, not whom the program called.
fn is_documentation(text: &str, start: usize, url: &str) -> bool {
    const SITES: [&str; 8] = [
        "github.io",
        "github.com",
        "://docs.",
        "readthedocs",
        "stackoverflow.com",
        "aka.ms",
        "://dev.mysql.com",
        "go.microsoft.com",
    ];
    let mut from = start.saturating_sub(24);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let before = text.get(from..start).unwrap_or_default().to_ascii_lowercase();
    SITES.iter().any(|site| url.contains(site))
        || ["see ", "read ", "visit ", "documentation", "more info", "help:"]
            .iter()
            .any(|word| before.contains(word))
}

fn push(found: &mut Vec<Address>, address: Address) {
    if !found.iter().any(|known| known.host == address.host && known.port == address.port) {
        found.push(address);
    }
}

fn address(captures: &Captures<'_>, scheme: &str) -> Option<Address> {
    let part = |name| captures.name(name).map(|part| part.as_str());
    address_of(part("host")?, part("port"), scheme)
}

fn address_of(host: &str, port: Option<&str>, scheme: &str) -> Option<Address> {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port: &u16| *port != 0)?),
        None => None,
    };
    let named = host.bytes().any(|byte| byte.is_ascii_alphabetic());
    (named || is_ip(&host)).then(|| Address { scheme: scheme.to_owned(), host, port })
}

/// Whether `name:number` is a host and its port, not a source position, a counter or a setting.
fn is_plausible_pair(address: &Address) -> bool {
    const SOURCES: [&str; 30] = [
        ".go",
        ".java",
        ".py",
        ".js",
        ".ts",
        ".cc",
        ".cpp",
        ".rs",
        ".rb",
        ".php",
        ".cs",
        ".kt",
        ".scala",
        ".mjs",
        ".cjs",
        ".c",
        ".h",
        ".hpp",
        ".yaml",
        ".yml",
        ".json",
        ".toml",
        ".conf",
        ".xml",
        ".lua",
        ".ex",
        ".erl",
        ".sh",
        ".sql",
        ".properties",
    ];
    const WORDS: [&str; 34] = [
        "code",
        "status",
        "line",
        "errno",
        "error",
        "err",
        "grpc_status",
        "attempt",
        "retry",
        "retries",
        "took",
        "pid",
        "port",
        "ports",
        "count",
        "id",
        "size",
        "depth",
        "timeout",
        "exit",
        "col",
        "column",
        "offset",
        "http",
        "https",
        "version",
        "http_code",
        "sqlstate",
        "duration",
        "latency",
        "ms",
        "ipv4",
        "ipv6",
        "corefile",
    ];
    let host = address.host.as_str();
    is_ip(host)
        || !(SOURCES.iter().any(|ending| host.ends_with(ending))
            || WORDS.contains(&host)
            || host.ends_with(['-', '_'])
            || host.len() < 2)
}

/// Whether what follows is the key of a store: `SET cart:300`, `for key "cart:300"`.
fn is_key(before: &str) -> bool {
    const COMMANDS: [&str; 32] = [
        "GET", "SET", "DEL", "HGET", "HSET", "HDEL", "HMSET", "HMGET", "HGETALL", "MGET", "MSET", "SETEX",
        "PSETEX", "SETNX", "GETSET", "GETEX", "INCR", "INCRBY", "DECR", "EXPIRE", "LPUSH", "RPUSH", "LPOP",
        "RPOP", "SADD", "SREM", "ZADD", "ZREM", "XADD", "PUBLISH", "EXISTS", "UNLINK",
    ];
    let word = before
        .trim_end_matches(['"', '\'', '`', ' ', '=', ':', ',', '[', '('])
        .rsplit([' ', ',', '[', '(', '"', '\''])
        .next()
        .unwrap_or_default();
    COMMANDS.contains(&word.to_ascii_uppercase().as_str())
        || matches!(word, "key" | "keys" | "Key" | "cacheKey" | "cache_key")
}

/// Whether a word that stands where a host could is none: an ordinary word of the sentence.
///
/// A Service may be called so all the same; then its address stands elsewhere in the line, or not
/// at all, and nothing is said rather than something wrong.
pub(super) fn is_word(host: &str) -> bool {
    const WORDS: [&str; 44] = [
        "the",
        "a",
        "an",
        "this",
        "that",
        "its",
        "your",
        "our",
        "any",
        "all",
        "some",
        "one",
        "it",
        "for",
        "to",
        "of",
        "in",
        "on",
        "at",
        "by",
        "with",
        "from",
        "and",
        "or",
        "not",
        "is",
        "was",
        "failed",
        "failure",
        "skipped",
        "error",
        "errors",
        "timeout",
        "host",
        "hostname",
        "name",
        "address",
        "information",
        "server",
        "request",
        "configuration",
        "config",
        "dependency",
        "following",
    ];
    WORDS.contains(&host)
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

fn choose(found: &[Address]) -> (Option<Address>, Option<String>) {
    let remote: Vec<&Address> = found.iter().filter(|address| !is_local(&address.host)).collect();
    let ip = remote.iter().find(|address| is_ip(&address.host) && address.port.is_some());
    let fits = |name: &&&Address| {
        // Another port than the dialled one is another peer, such as the URL behind a proxy.
        ip.is_none_or(|ip| name.port_or_default().is_none_or(|port| ip.port == Some(port)))
    };
    let name = remote.iter().filter(|address| !is_ip(&address.host)).find(fits);
    let chosen = name.or(ip).or_else(|| remote.first()).copied().or_else(|| found.first()).cloned();
    let with_port = chosen.map(|chosen| {
        let port = chosen.port.or_else(|| ip.and_then(|ip| ip.port));
        Address { port, ..chosen }
    });
    let other =
        ip.map(|ip| ip.host.clone()).filter(|ip| with_port.as_ref().is_some_and(|one| one.host != *ip));
    (with_port, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        peer(&[text], "").0.map_or_else(String::new, |address| address.to_string())
    }

    #[test]
    fn no_shape_is_passed_over_where_it_matches() {
        assert_eq!(SHAPED.missed(), [""; 0]);
    }

    #[test]
    fn peers_in_the_words_of_many_clients() {
        for (text, expected) in [
            (r#"Post "http://pay:8080/x": dial tcp 10.0.0.9:8080: connect: connection refused"#, "pay:8080"),
            ("read tcp 10.1.0.3:45678->10.96.0.5:5432: i/o timeout", "10.96.0.5:5432"),
            ("proxyconnect tcp: dial tcp proxy:3128: connect: connection refused", "proxy:3128"),
            ("HTTPConnectionPool(host='pay', port=8080): Max retries exceeded with url: /x", "pay:8080"),
            (r#"connection to server at "pg" (10.0.0.1), port 5432 failed: Connection refused"#, "pg:5432"),
            ("Can't connect to MySQL server on 'db:3306' (111)", "db:3306"),
            ("Connection refused: pay/10.2.3.4:8080", "pay:8080"),
            ("connect ECONNREFUSED 10.0.0.1:6379", "10.0.0.1:6379"),
            ("Connection refused (pay:8080)", "pay:8080"),
            ("Error 111 connecting to cache:6379. Connection refused.", "cache:6379"),
            ("ipv4:10.0.0.2:3550: Failed to connect to remote host: Connection refused", "10.0.0.2:3550"),
            ("Connection to db:5432 refused.", "db:5432"),
            ("curl: (7) Failed to connect to pay port 8080 after 1 ms: Connection refused", "pay:8080"),
            ("connect to [fd00::1]:5432 failed", "fd00::1:5432"),
            (
                "OSError: Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.1', 5432)",
                "10.0.0.1:5432",
            ),
            (r#"{ host:"mongo:27017" } mongo:27017: connection refused"#, "mongo:27017"),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn positions_and_counters_are_no_peers() {
        for text in [
            "at main.go:120",
            "panic in Foo.java:42",
            "status:503",
            "grpc_status:14",
            "took 12:30",
            "code:14 x",
        ] {
            assert_eq!(of(text), "", "{text}");
        }
    }

    #[test]
    fn structured_fields_name_the_peer() {
        let (found, ip) =
            peer(&["points down", "connect ECONNREFUSED 10.0.0.1:8080"], "url=http://points:8080/b user=x");
        assert_eq!(found.unwrap().to_string(), "points:8080");
        assert_eq!(ip.as_deref(), Some("10.0.0.1"));
        let (found, _) = peer(&["refused"], "host=cache port=6379");
        assert_eq!(found.unwrap().to_string(), "cache:6379");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,200}") {
            let _ = peer(&[&text], &text);
        }
    }
}
