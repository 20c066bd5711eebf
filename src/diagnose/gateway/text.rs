//! Route tables in formats of their own: nginx, Caddy, HAProxy, properties and environment variables.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::table::{MOST, Route};

#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by a test")]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

static LOCATION: LazyLock<Regex> =
    LazyLock::new(|| constant(r"location\s+(?:[=~^*]+\s*)?([^\s{]{1,200})\s*\{"));
static PASS: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?:proxy|grpc|fastcgi|uwsgi)_pass\s+([^\s;{}]{1,300})"));
static SET: LazyLock<Regex> =
    LazyLock::new(|| constant(r#"set\s+\$([A-Za-z0-9_]{1,60})\s+"?([^\s;"]{1,253})"#));
static UPSTREAM: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"upstream\s+([A-Za-z0-9._-]{1,253})\s*\{[^{}]{0,2000}?server\s+([A-Za-z0-9._:-]{1,260})")
});
static MATCHER: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?m)^\s*@([A-Za-z0-9_-]{1,60})\s+(?:\{\s*)?path(?:_regexp)?\s+([^\n{}]{1,200})")
});
static HANDLE: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?:handle|handle_path|route)\s+(@?[^\s{]{1,200})\s*\{[^{}]{0,2000}?reverse_proxy\s+([^\s{}]{1,260})",
    )
});
static REVERSE: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?m)^\s*reverse_proxy\s+([@/][^\s{]{0,200})\s+([^\s{}]{1,260})"));
static ACL: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?m)^\s*acl\s+(\S{1,100})\s+path(?:_beg|_dir|_reg)?\s+(?:-i\s+)?([^\n]{1,200})")
});
static USE: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?m)^\s*use_backend\s+(\S{1,100})\s+if\s+(?:\{\s*path(?:_beg|_dir|_reg)?\s+(?:-i\s+)?([^\n}]{1,200})\}|(\S{1,100}))",
    )
});
static BACKEND: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?m)^\s*backend\s+(\S{1,100})[ \t]*\n(?:[ \t]+[^\n]*\n){0,40}?[ \t]+server\s+\S+\s+([A-Za-z0-9._:-]{1,260})",
    )
});
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)^(.{0,80}?routes?)[._\[]+([a-z0-9-]{1,60}?)[\]]?[._]+(id|name|uri|url|target|upstream|service_?-?id|path|prefix|predicates?[._\[]*[0-9]*\]?|paths[._\[]*[0-9]*\]?)$",
    )
});

/// Every route of a text that is one of these formats.
pub(super) fn routes(text: &str) -> Vec<Route> {
    if text.contains("proxy_pass") || text.contains("grpc_pass") {
        return nginx(text);
    }
    if text.contains("reverse_proxy") {
        return caddy(text);
    }
    if text.contains("use_backend") {
        return haproxy(text);
    }
    let line = |line: &'_ str| -> Option<(String, String)> {
        let (name, value) = line.trim().split_once('=')?;
        (!name.starts_with(['#', '!'])).then(|| (name.trim().to_owned(), value.trim().to_owned()))
    };
    if !text.contains("outes") && !text.contains("OUTES") {
        return Vec::new();
    }
    settings(text.lines().take(5000).filter_map(line))
}

/// Routes that are spread over settings: `…ROUTES_0_URI=http://cart`, `zuul.routes.cart.url=…`.
pub(super) fn settings(pairs: impl Iterator<Item = (String, String)>) -> Vec<Route> {
    let mut parts: BTreeMap<(String, String), (Vec<String>, Option<String>)> = BTreeMap::new();
    for (name, value) in pairs.filter(|(name, _)| name.len() <= 200).take(MOST) {
        let Some(captures) = SETTING.captures(&name) else { continue };
        let part = |index: usize| captures.get(index).map_or("", |part| part.as_str());
        let key = (part(1).to_ascii_lowercase(), part(2).to_ascii_lowercase());
        let (labels, target) = parts.entry(key.clone()).or_default();
        match part(3).to_ascii_lowercase().as_str() {
            "uri" | "url" | "target" | "upstream" | "service_id" | "service-id" | "serviceid" => {
                *target = Some(value)
            }
            _ => labels.push(value),
        }
    }
    let route = |((_, index), (mut labels, target)): ((_, String), (Vec<String>, Option<String>))| {
        if index.parse::<u32>().is_err() {
            labels.insert(0, index);
        }
        Route::new(labels, &target?)
    };
    parts.into_iter().filter_map(route).collect()
}

fn pairs<'t>(regex: &Regex, text: &'t str) -> Vec<(&'t str, &'t str)> {
    let both = |captures: regex::Captures<'t>| Some((captures.get(1)?.as_str(), captures.get(2)?.as_str()));
    regex.captures_iter(text).take(MOST).filter_map(both).collect()
}

fn named<'t>(pairs: &[(&'t str, &'t str)], name: &str) -> Option<&'t str> {
    pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
}

fn nginx(text: &str) -> Vec<Route> {
    let upstreams = pairs(&UPSTREAM, text);
    let starts: Vec<(usize, usize, &str)> = LOCATION
        .captures_iter(text)
        .take(MOST)
        .filter_map(|captures| {
            let (all, path) = (captures.get(0)?, captures.get(1)?);
            Some((all.start(), all.end(), path.as_str()))
        })
        .collect();
    let ends = starts.iter().skip(1).map(|(start, ..)| *start).chain([text.len()]);
    let route = |((_, from, path), to): (&(usize, usize, &str), usize)| {
        let block = text.get(*from..to)?;
        let pass = PASS.captures(block)?.get(1)?.as_str();
        let (scheme, rest) = pass.split_once("://").unwrap_or(("", pass));
        let set = pairs(&SET, block).into_iter().chain(pairs(&SET, text)).collect::<Vec<_>>();
        let mut rest = rest.to_owned();
        for (name, value) in set {
            rest = rest.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        // A variable may hold the scheme as well.
        let rest = rest.split_once("://").map_or(rest.as_str(), |(_, rest)| rest);
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        let target = named(&upstreams, host).unwrap_or(rest);
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
        Route::new(vec![(*path).to_owned()], &format!("{scheme}{target}"))
    };
    starts.iter().zip(ends).filter_map(route).collect()
}

fn caddy(text: &str) -> Vec<Route> {
    let matchers = pairs(&MATCHER, text);
    let route = |(label, target): (&str, &str)| {
        let label = match label.strip_prefix('@') {
            Some(name) => named(&matchers, name)?,
            None => label,
        };
        Route::new(vec![label.to_owned()], target)
    };
    pairs(&HANDLE, text).into_iter().chain(pairs(&REVERSE, text)).filter_map(route).collect()
}

fn haproxy(text: &str) -> Vec<Route> {
    let (rules, backends) = (pairs(&ACL, text), pairs(&BACKEND, text));
    let route = |captures: regex::Captures<'_>| {
        let backend = captures.get(1)?.as_str();
        let path = match (captures.get(2), captures.get(3)) {
            (Some(path), _) => path.as_str(),
            (None, Some(rule)) => named(&rules, rule.as_str())?,
            (None, None) => return None,
        };
        Route::new(vec![path.trim().to_owned()], named(&backends, backend).unwrap_or(backend))
    };
    USE.captures_iter(text).take(MOST).filter_map(route).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let tell = |route: Route| format!("{} {}", route.labels.join(" "), route.target);
        routes(text).into_iter().map(tell).collect()
    }

    #[test]
    fn reads_nginx_with_upstreams_and_variables() {
        let text = "upstream c { server shop-cart:80; }\nserver { location /cart { proxy_pass http://c; }\n location = /pay { set $p shop-pay; if ($x) { return 1; }\n proxy_pass http://$p:80/; } }";
        assert_eq!(told(text), ["/cart shop-cart:80", "/pay shop-pay:80"]);
    }

    #[test]
    fn reads_caddy() {
        let text = ":80 {\n  @cart path /cart/*\n  reverse_proxy @cart shop-cart:80\n  handle_path /pay/* {\n    reverse_proxy shop-pay:8080\n  }\n}\n";
        assert_eq!(told(text), ["/pay/* shop-pay:8080", "/cart/* shop-cart:80"]);
    }

    #[test]
    fn reads_haproxy() {
        let text = "frontend f\n  acl is_cart path_beg /cart\n  use_backend cart if is_cart\n  use_backend pay if { path_beg /pay }\nbackend cart\n  balance roundrobin\n  server s1 shop-cart:80 check\nbackend pay\n  server s1 shop-pay:8080\n";
        assert_eq!(told(text), ["/cart shop-cart:80", "/pay shop-pay:8080"]);
    }

    #[test]
    fn reads_properties_and_variables() {
        let text = "spring.cloud.gateway.server.webflux.routes[0].id=cart\nspring.cloud.gateway.server.webflux.routes[0].uri=lb://shop-cart\nspring.cloud.gateway.server.webflux.routes[0].predicates[0]=Path=/cart/**\nzuul.routes.pay.url=http://shop-pay:80\n";
        assert_eq!(told(text), ["cart Path=/cart/** shop-cart", "pay shop-pay:80"]);
        let variables = [
            ("SPRING_CLOUD_GATEWAY_ROUTES_0_ID", "cart"),
            ("SPRING_CLOUD_GATEWAY_ROUTES_0_URI", "http://${CART_HOST:shop-cart}:80"),
            ("SPRING_CLOUD_GATEWAY_ROUTES_0_PREDICATES_0", "Path=/cart/**"),
        ];
        let found = settings(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target, "shop-cart:80");
        assert_eq!(found[0].labels, ["cart", "Path=/cart/**"]);
    }

    #[test]
    fn other_texts_hold_no_routes() {
        assert!(told("routes are loaded=later\n").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(location|proxy_pass|reverse_proxy|use_backend|routes|\\{|\\}|[.\\[\\]=_/@$; \n]|[a-z0-9]{1,4}|\u{e9}){0,60}") {
            let _ = routes(&text);
        }
    }
}
