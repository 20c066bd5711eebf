//! What a server says of its own state: slow, full, hung, proxying to nothing, not the leader.

use super::{Rule, Scope};

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // DNS servers.
    server("dns-loop", r"plugin/loop: Loop \((?P<server>[^)]*)\) detected|Loop [^\n]{0,60}detected for zone|Forwarding loop detected").any(),
    server("dns-upstream-failure", r"plugin/errors: [0-9]+ (?P<name>\S+) \S+: (?P<message>[^\n]{1,160})|plugin/forward: [^\n]{0,60}(?:no (?:healthy|upstream)|unhealthy)|no upstream host|HINFO: [^\n]{0,60}(?:timeout|unreachable)").any(),
    // Proxies.
    server("upstream-error", r"(?P<reason>upstream prematurely closed connection|no live upstreams|upstream sent (?:too big|invalid|no valid) [a-z/0-9. ]+|peer closed connection in SSL handshake|recv\(\) failed \([0-9]+: [^)]+\)) ?while (?:connecting to|reading|sending|SSL)|(?P<reason2>no live upstreams)").peer().any().with(&[("product", "nginx")]),
    server("upstream-error", r"(?P<reason>upstream connect error or disconnect/reset before headers|no healthy upstream|upstream_reset_before_response_started|no cluster match for URL|cluster_not_found|no route match)(?:[^\n]{0,60}reset reason: (?P<message>[a-z ]+))?(?:[^\n]{0,40}transport failure reason: (?P<message2>[a-z ]+))?").peer().any().with(&[("product", "envoy")]),
    server("upstream-error", r"(?:backend|Server|proxy) ['\x22]?(?P<name>[a-z0-9_./-]+)['\x22]? (?:has no server available|is DOWN)(?:, reason: (?P<reason>[^,\n]+))?|(?P<reason2><NOSRV>)").any().with(&[("product", "haproxy")]),
    server("upstream-error", r"(?P<reason>(?:service|endpoints?) \x22?(?P<name>[a-z0-9./-]+)\x22? (?:not found|does not have any active Endpoint|has no active endpoint)|error obtaining endpoints)|subset not found for (?P<name2>\S+)|kubernetes service not found: (?P<name3>\S+)").with(&[("product", "ingress")]),
    // Leadership and leases.
    server("leader-election-lost", r"leader ?election lost|lost (?:the )?(?:leader(?:ship)?|lease|master)|failed to renew lease (?P<name>\S+)?|stopped leading|no longer (?:the )?leader|leaderelection (?:lost|timed out)|failed to (?:update|acquire|retrieve) (?:resource )?lock(?: optimi[sz]ticall?y)?[^\n]{0,80}|etcdserver: (?:leader changed|request timed out|no leader)").any()
        .unless(r"^[^\n]{0,40}new leader elected"),
    // Limits on requests.
    server("rate-limited", r"rate[- ]?limit(?:ed|ing|s)?(?: was| has been| is)? ?(?:exceeded|reached|hit|:|error)|too many requests|\b429\b[^\n]{0,40}(?:too many|rate|limit|quota)|status(?: ?code)?[ =:]+429\b|code = ResourceExhausted|RESOURCE_EXHAUSTED|ThrottlingException|RequestLimitExceeded|quota exceeded|client-side throttling|SlowDown\b|toomanyrequests|Throttled|TooManyRequests").peer()
        .unless(r"rate limit(?:er|ing)? (?:enabled|configured|set)|message length larger"),
    server("payload-too-large", r"client intended to send too large body: [0-9]+ bytes[^\n]{0,200}? request: \x22[A-Z]+ (?P<path>[^ ?\x22]+)[^\n]{0,600}? host: \x22(?P<host>[^\x22:]+)"),
    server("payload-too-large", r"client intended to send too large body|PayloadTooLargeError|request entity too large|message (?:length )?larger than max|received message (?:larger|exceeds)|header (?:fields? )?too large|HTTP headers were too large|grpc: received message larger"),
    // Slowness and hangs.
    server("queue-full", r"queue (?:is |was )?(?:now )?(?:full|at capacity|growing|backlog|overflow|depth exceeded)|RejectedExecutionException|rejected execution|(?:worker|thread|executor) ?pool (?:is )?(?:saturated|exhausted|full|at capacity|starved)|backpressure|back-pressure|buffer (?:is )?full|dropping (?:events|messages|spans|data|logs|metrics|connections|requests)|consumer lag|listen queue|somaxconn|max(?:imum)? (?:in-?flight|concurren)[^\n]{0,40}(?:reached|exceeded)|server reached pm\.max_children|worker_connections are not enough|MaxRequestWorkers|all (?:workers|threads) (?:are )?busy|backlog (?:is )?(?:full|growing|exceed)|queue (?:length|size|depth)[^\n]{0,20}exceed|queue_full|sending queue is full").any(),
    server("hang", r"Found (?:one|[0-9]+) Java-level deadlocks?|all goroutines are asleep|deadlock(?:ed)?\b|blocked for more than (?P<seconds>[0-9]+)|(?:event loop|main thread|thread|reactor|worker)[^\n]{0,40}(?:blocked|stuck|hung|starv\w+|not responding|unresponsive)(?:[^\n]{0,20}for (?P<ms>[0-9]+) ?ms)?|thread starvation(?: or clock leap)?|watchdog[^\n]{0,60}(?:timeout|timed out|expired|triggered|bark|stuck|not (?:fed|responding))|Thread \S+ has been blocked for (?P<ms2>[0-9]+) ms|soft lockup|hung task|CRITICAL WORKER TIMEOUT|Worker timeout|WORKER TIMEOUT|heartbeat (?:missed|timeout|lost)|(?:no progress|made no progress|stalled) for").any()
        .unless(r"deadlock[_ -](?:detection|timeout|check)|deadlock found|watchdog (?:enabled|started|interval)|deadlock_timeout|no deadlock"),
    server("slow", r"(?:took|elapsed|duration|latency|dur|finished in|completed in|slow)(?: time)?[ =:]{1,3}(?P<ms>[0-9]{4,8})(?:\.[0-9]+)? ?(?:ms|millis\w*|milliseconds)\b|(?:took|elapsed|duration|latency|finished in|completed in|slow)(?: time)?[ =:]{1,3}(?P<seconds>[0-9]{1,5}(?:\.[0-9]+)?) ?(?:s|sec\w*|seconds)\b")
        .scope(Scope::Warned).rank(3),
    server("slow", r"(?:request|query|call|response|GET \S+|POST \S+)[^\n]{0,40} took[ =:](?P<ms>[0-9]{4,8})(?:\.[0-9]+)? ?ms").any().rank(3),
    server("slow", r"slow (?:query|request|sql|log|operation|statement|transaction|fdatasync|apply|consumer)\b[^\n]{0,40}?(?:(?P<ms>[0-9]{2,8})(?:\.[0-9]+)? ?ms)?|took too long|apply request took too long|request took (?P<ms2>[0-9]{4,8}) ?ms|exceeded (?:the )?(?:slow|latency|time) (?:threshold|budget)|\(budget (?P<value>[0-9]+) ?ms\)|long(?:-| )running (?:query|transaction|request)|GC pause[^\n]{0,40}(?P<ms3>[0-9]{4,6}) ?ms|Full GC|Detected pause in JVM|cannot keep up|falling behind|took more than")
        .rank(2).any().unless(r"slow_?(?:query|log)[a-z_.]{0,30}[=:] ?(?:on|off|true|false|enabled|[0-9])|slow (?:query )?log (?:enabled|file)|in (?:[0-9]{1,2}) ?ms"),
    server("cpu-throttled", r"cpu (?:is )?throttl(?:ed|ing)").rank(2),
    // Answers of this server itself.
    server("response-5xx", r"HTTP/[0-9.]+\x22? (?P<status>5[0-9]{2})\b|\bstatus(?:_?code)?[=: ]+(?P<status2>5[0-9]{2})\b|-> (?P<status3>5[0-9]{2})\b|[A-Z]{3,7} /\S* (?P<status4>5[0-9]{2})\b").rank(4).any()
        .unless(r"kube-probe"),
    // Waiting on others before work begins.
    Rule::new("waiting-for", "wait", r"(?:still |retrying, |keep |)waiting (?:for|on|until) (?:the |a |an |host |service |port |database |job |job/|deployment |pod |server )?['\x22]?(?P<name>[a-z0-9_./:-]*[a-z0-9_])['\x22]?(?: (?:port )?(?P<port>[0-9]{2,5})\b)?").any().peer()
        .unless(r"waiting (?:for|on) (?:new |incoming |client |the |a |an |more |all |next |any |some |pending |active |in-?flight |existing |outstanding )?(?:connections?|requests?|messages?|events?|jobs?\b(?:$|[^/ ])|tasks?|work|signals?|shutdown|commands?|changes|updates?|input|data|lock|exclusive|row|table|acks?|acknowledg|response|reply|termination|goroutines?|threads?|workers?|child|process(?:es)?|leader|lease|cache|informer|clients?|http|users?|interrupt|orders?|checkpoint|it|its|this|that)\b|until .{0,20}(?:shutdown|exit)|InnoDB|Mnesia|changelog lock|to (?:exit|drain|terminate)\b"),
    Rule::new("waiting-for", "wait", r"['\x22]?(?P<name>[a-z0-9][a-z0-9_./:-]*) (?:is |was )?(?:still )?(?:unavailable|not (?:yet )?(?:available|ready|complete[d]?|up|reachable|finished|done)(?: yet)?)[^\n]{0,20}(?:sleeping|waiting|retry|will retry|trying again|backing off)").any().peer(),
    Rule::new("waiting-for", "wait", r"(?:wait-for|wait4x|dockerize|wait-for-it\.sh:)[^\n]{0,40}(?:waiting|problem with dial|timeout occurred)[^\n]{0,20} (?P<name>[a-z0-9_./-]+:[0-9]+)").any().peer(),
    server("no-capacity", r"(?:no (?:available )?(?:capacity|workers)|server (?:is )?(?:too busy|overloaded)|service overloaded|load shed)").rank(2).scope(Scope::Suspect),
];

const fn server(id: &'static str, pattern: &'static str) -> Rule {
    Rule::new(id, "server", pattern)
}

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet};

    #[test]
    fn proxies_and_dns() {
        each(&[
            (
                "2026/11/24 03:31:53 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: , request: \"GET / HTTP/1.1\", upstream: \"http://10.1.2.3:80/\", host: \"web\"",
                "connection-refused 10.1.2.3:80",
            ),
            (
                "2026/11/24 03:31:53 [error] 7#7: *1 no live upstreams while connecting to upstream",
                "upstream-error",
            ),
            (
                "2026-11-24T03:31:53Z WARN upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
                "upstream-error product=envoy",
            ),
            ("[FATAL] plugin/loop: Loop (127.0.0.1:55953 -> :53) detected for zone \".\"", "dns-loop"),
            (
                "[ERROR] plugin/errors: 2 pay.example. A: read udp 10.0.0.2:4->10.9.9.9:53: i/o timeout",
                "dns-upstream-failure",
            ),
        ]);
    }

    #[test]
    fn slow_full_and_hung() {
        each(&[
            ("2026-11-24T03:31:53Z WARN request took 9642 ms (budget 500 ms)", "slow ms=9642"),
            ("2026-11-24T03:31:53Z WARN slow query: 5321ms SELECT 1", "slow"),
            ("2026-11-24T03:31:53Z ERROR queue is full, dropping events", "queue-full"),
            ("java.util.concurrent.RejectedExecutionException: Task rejected", "queue-full"),
            ("Found one Java-level deadlock:", "hang"),
            ("[2026-11-24 03:31:53 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:8)", "hang"),
            ("2026-11-24T03:31:53Z WARN 429 Too Many Requests from http://pay:80/x", "rate-limited pay:80"),
            (
                "E1124 03:31:53.000000       1 leaderelection.go:1] leaderelection lost",
                "leader-election-lost",
            ),
        ]);
    }

    #[test]
    fn waiting() {
        each(&[
            ("waiting for db:5432...", "waiting-for db:5432"),
            ("2026-11-24T03:31:53Z INFO waiting for schema-migration", "waiting-for name=schema-migration"),
            ("Postgres is unavailable - sleeping", "waiting-for name=Postgres"),
            ("job/seed not complete yet, sleeping", "waiting-for name=job/seed"),
        ]);
        quiet(&[
            "2026-11-24T03:31:53Z INFO waiting for connections",
            "2026-11-24T03:31:53Z INFO worker waiting for jobs",
            "2026-11-24T03:31:53Z INFO request took 12 ms",
            "2026-11-24T03:31:53Z INFO GET /x 200 in 3ms",
            "drainDuration: 45s",
            "2026-11-24T03:31:53Z INFO deadlock_timeout = 1s",
        ]);
    }
}
