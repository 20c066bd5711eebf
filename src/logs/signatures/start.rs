//! Ordinary milestones: listening, ready, asked to stop, stopped; and the kubelet's probes.
//!
//! They are no faults; they tell which port is open where, how long a start took, and how a
//! process ended.

use super::{Rule, Scope};

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // The kubelet's requests, in the access logs of common servers.
    Rule::new("probe-request", "server", r"\x22(?:GET|HEAD) (?P<path>/[^\s?\x22]*)[^\x22]{0,200}\x22 (?P<status>[0-9]{3})[^\n]{0,200}kube-probe|kube-probe/[^\n]{0,200}(?:path|uri|url)=(?P<path2>/[^\s?]*)[^\n]{0,200}(?:status|code)[a-z_]*=(?P<status2>[0-9]{3})|(?:path|uri|url)=(?P<path3>/[^\s?]*)[^\n]{0,200}(?:status|code)[a-z_]*=(?P<status3>[0-9]{3})[^\n]{0,200}kube-probe/|(?:status|code)[a-z_]*=(?P<status4>[0-9]{3})[^\n]{0,200}(?:path|uri|url)=(?P<path4>/[^\s?]*)[^\n]{0,200}kube-probe/|(?:status|code)[a-z_]*=(?P<status5>[0-9]{3})[^\n]{0,200}kube-probe/[^\n]{0,200}(?:path|uri|url)=(?P<path5>/[^\s?]*)").any().rank(0),
    listening(r"(?:listen(?:ing|s)?|serving|bound|running|now listening|accepting connections|bind(?:ing)?)(?: for (?:http|https|grpc|incoming) ?(?:requests|connections)?)?(?: (?:on|at|to))?(?: (?:address|addr|port|interface|endpoint|socket|host|url))?(?: IPv[46] address)?[ :=\x22'\[(]*(?:(?P<protocol>https?|grpc|tcp|h2c)://)?(?:(?P<host>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:]*\]|localhost|\*|::|[a-z0-9.-]+)?(?::|\x22?, port |\x22? port )|port[ =:]*)(?P<port>[0-9]{2,5})\b"),
    listening(r"(?:started|initialized|listening|running|serving|open|exposed)(?: \w+){0,5}(?: on)? ports?(?:\(s\))?[ :=]+(?P<port>[0-9]{2,5})(?: \((?P<protocol>https?|grpc)\))?").unless(r"initialized with port"),
    listening(r"(?:listening|server|serving|started|starting|up|ready|running)[^\n]{0,60}[ \[](?:addr|address|port|bind|listen|listen_addr|http\.port|bind_address|server\.port|listenaddr)[=:]\x22?(?:(?P<host>[a-z0-9.\[\]]*)?:+)?(?P<port>[0-9]{2,5})\b(?:[^\n]{0,40}proto(?:col)?=(?P<protocol>https?|grpc))?"),
    listening(r"(?P<protocol>http|https|grpc|metrics|admin)?[ -]*(?:server|service|endpoint|listener|api)?[^\n]{0,20}(?:is )?(?:up|ready|started|running|available|accessible|reachable)(?: (?:on|at))[^\n]{0,20}?(?:https?://)?(?P<host>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[::\]|localhost|\*)?:(?P<port>[0-9]{2,5})\b"),
    listening(r"ready for connections[^\n]{0,200}port: (?P<port>[0-9]{2,5})"),
    listening(r"\b(?:starting|launching|serving|started)\b[^\n]{0,40}?\b(?:server|listener|endpoint|service|api|ui|dashboard)\b[^\n]{0,20}? (?:on|at) (?:(?P<protocol>https?)://)?(?P<host>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:]*\]|localhost|\*)?:(?P<port>[0-9]{2,5})\b"),
    ready(r"\bstarted [a-z0-9_$.-]+ in (?P<seconds>[0-9.]+) seconds|\bstarted (?:application|server|service)[^\n]{0,40} in (?P<seconds2>[0-9.]+) ?s(?:ec|econds)?\b|(?:JVM running for|process running for) (?P<seconds3>[0-9.]+)|started in (?P<seconds4>[0-9.]+) ?s(?:econds?)?\b|ready in (?P<seconds5>[0-9.]+) ?s(?:econds?)?\b|(?:startup|start-up) (?:in|took|completed in|complete in) \[?(?P<ms>[0-9]+)\]? ?(?:ms|milliseconds)|(?:started|ready|start) in (?P<ms2>[0-9]+) ?ms"),
    ready(r"ready to accept connections|ready for connections|ready for start ?up|(?:startup|start-up|start|initiali[sz]ation|boot) (?:is )?(?:now )?complete|server startup complete|waiting for connections|application startup complete|\bis (?:now )?ready\b|(?:service|server|application|app|worker|api|gateway|consumer|daemon|bot|agent) (?:is )?(?:now )?(?:ready|up|started|online|running)\b|started successfully|successfully started|all systems (?:go|ready)|ready to (?:serve|receive|handle|accept|process)|^(?:\[[^\]]*\] )?ready\b|\bup and running|now serving|Started Application|entered RUNNING state|entering main loop|became (?:the )?leader|caches are synced")
        .unless(r"not ready|isn't ready|not yet|waiting for the|until"),
    Rule::new("sigterm-received", "lifecycle", r"(?:received|caught|got|handling|trapped|signal)[^\n]{0,40}\b(?:SIGTERM|SIGINT|SIGQUIT|signal 15|terminated|shutdown signal|termination signal|interrupt signal|signal: terminated)|SIGTERM received|\(SIGTERM|signal 15 \(SIGTERM|Interrupted by SIGTERM|graceful(?:ly)? shut(?:ting)? ?down|shutting down gracefully|starting (?:graceful )?shutdown|initiating (?:graceful )?shutdown|commencing graceful shutdown|received (?:fast|smart) shutdown request|Received shutdown signal|User requested shutdown|shutting down\b|draining connections").scope(Scope::Notice),
    Rule::new("shutdown-complete", "lifecycle", r"shut ?down (?:is )?(?:now )?complete|(?:server|application|service|database system|process|app) (?:has |was |is )?(?:been )?(?:stopped|shut down|terminated|exited|closed)(?: gracefully| cleanly| successfully)?\s*\.?$|bye bye|goodbye|stopped (?:gracefully|cleanly|successfully)|exiting(?: now| gracefully| with code 0)?\.?$|Graceful shutdown complete|process exiting|clean exit").scope(Scope::Notice),
];

const fn listening(pattern: &'static str) -> Rule {
    Rule::new("listening", "start", pattern)
        .scope(Scope::Notice)
        .unless(r"error|fail|refused|unable|cannot|can't|not listening|stopped listening|already in use|connect(?:ing)? to|upstream|proxying")
}

const fn ready(pattern: &'static str) -> Rule {
    Rule::new("ready", "start", pattern).scope(Scope::Notice)
}

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::each;

    #[test]
    fn ports_that_are_open() {
        each(&[
            (r#"{"level":"info","msg":"listening on :8080"}"#, "listening port=8080"),
            (r#"{"level":"info","msg":"listening","port":3000}"#, "listening port=3000"),
            (
                "time=\"2026-11-24T03:31:53Z\" level=info msg=\"server started\" addr=:9090",
                "listening port=9090",
            ),
            (
                "2026-11-24T03:31:53Z INFO 1 --- [main] o.s.b.w.embedded.tomcat.TomcatWebServer : Tomcat started on port(s): 8081 (http) with context path ''",
                "listening port=8081 protocol=http",
            ),
            (
                "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
                "listening port=8000 host=127.0.0.1 protocol=http",
            ),
            (
                "[2026-11-24 03:31:53 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)",
                "listening port=8000",
            ),
            (
                "info: Microsoft.Hosting.Lifetime[14]\n      Now listening on: http://[::]:8080",
                "listening port=8080",
            ),
            (
                "2026-11-24 03:31:53.1 UTC [1] LOG:  listening on IPv4 address \"0.0.0.0\", port 5432",
                "listening port=5432",
            ),
            ("Example app listening on port 3000!", "listening port=3000"),
            (" * Running on http://127.0.0.1:5000", "listening port=5000 host=127.0.0.1"),
            ("Starting health check server at localhost:9090", "listening port=9090 host=localhost"),
            (
                "Starting development server at http://127.0.0.1:8000/",
                "listening port=8000 host=127.0.0.1 protocol=http",
            ),
        ]);
    }

    #[test]
    fn ready_probed_and_stopped() {
        each(&[
            (
                "2026-11-24T03:31:53Z INFO 1 --- [main] c.x.App : Started App in 42.7 seconds (process running for 43.9)",
                "ready seconds=42.7",
            ),
            ("1:M 24 Nov 2026 03:31:53.123 * Ready to accept connections tcp", "ready"),
            (
                "10.0.0.1 - - [24/Nov/2026:03:31:53 +0000] \"GET /healthz HTTP/1.1\" 503 5 \"-\" \"kube-probe/1.36\"",
                "probe-request path=/healthz status=503",
            ),
            (
                r#"{"level":"info","msg":"request","path":"/ready","status":404,"user_agent":"kube-probe/1.36"}"#,
                "probe-request path=/ready status=404",
            ),
            ("2026-11-24T03:31:53Z INFO received SIGTERM, draining", "sigterm-received"),
            ("2026-11-24T03:31:53Z INFO shutdown complete", "shutdown-complete"),
        ]);
    }
}
