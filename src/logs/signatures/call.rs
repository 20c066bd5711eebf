//! Outcomes of calls to other hosts, as the caller's log tells them.

use super::{Rule, Scope};

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // Name resolution. What a resolver could not answer now is not the same as "no such name".
    temporary(r"lookup (?P<host>[a-z0-9_.-]+) on (?P<server>[0-9a-f.:\[\]]+): [^\n]*(?:i/o timeout|server misbehaving|connection refused|try again|temporary failure|deadline exceeded|connection timed out)|(?:dial (?:tcp|udp)[46]?: |: |^)lookup (?P<host2>[a-z0-9_.-]+): (?:i/o timeout|server misbehaving|try again|temporary failure|context deadline exceeded)|getaddrinfo\(host='(?P<host3>[^']{1,253})', err=(?:3|11|12)\)").any(),
    temporary(r"EAI_AGAIN,? ?(?P<host>[a-z0-9_.-]+\.?[a-z0-9_-]*)?(?::(?P<port>[0-9]{1,5}))?").any(),
    temporary(r"(?:query[a-z]+|getaddrinfo) (?:ETIMEOUT|ESERVFAIL|ECONNREFUSED) (?P<host>[a-z0-9_.-]+)").any(),
    temporary(r"UnknownHostException: (?P<host>[a-z0-9_.-]+): (?:Temporary failure in name resolution|Try again|System error)").any(),
    temporary(r"(?:failed to resolve|could not translate host name|could not resolve host:?|resolving) ['\x22]?(?P<host>[a-z0-9_.-]+)['\x22]?[^\n]{0,60}(?:temporary failure|try again|timed out|timeout|SERVFAIL)").any(),
    temporary(r"temporary failure in name resolution|name resolution temporarily|connection timed out; no servers could be reached|DNS resolution (?:timed out|timeout)|DNS (?:query|lookup) (?:timed out|timeout)|DnsNameResolverTimeoutException|\bSERVFAIL\b|SocketException \((?:0+1, ?)?(?:0x[0-9A-F]+, ?)?11\): Resource temporarily unavailable(?: \((?P<host2>[a-z0-9_.-]+):(?P<port2>[0-9]+)\))?|Resource temporarily unavailable \((?P<host>[a-z0-9_.-]+):(?P<port>[0-9]+)\)").any(),
    unknown_host(r"lookup (?P<host>[a-z0-9_.-]+)(?: on (?P<server>[0-9a-f.:\[\]]+))?: no such host"),
    unknown_host(r"(?:getaddrinfo|query[a-z]+) (?:ENOTFOUND|ENODATA) (?P<host>[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?"),
    unknown_host(r"ENOTFOUND,? (?P<host>[a-z0-9_.-]+)|getaddrinfo\(host='(?P<host2>[^']{1,253})', err=[0-9]+\)"),
    unknown_host(r"(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*) could not be resolved \([0-9]+: (?:Host not found|Server failure|NXDOMAIN)|\{nxdomain|\bnxdomain\b|failed to connect to (?P<host2>[a-z0-9_.-]+)[^\n]{0,20}: (?:non-existing domain|nxdomain)"),
    unknown_host(r"UnknownHostException: (?:failed to resolve ')?(?P<host>[a-z0-9_.-]+)"),
    unknown_host(r"could not translate host name ['\x22](?P<host>[a-z0-9_.-]+)['\x22]"),
    unknown_host(r"(?:unknown MySQL server host|Unknown server host|unknown host:?|php_network_getaddresses: getaddrinfo for) ['\x22]?(?P<host>[a-z0-9_.-]+)['\x22]?"),
    unknown_host(r"failed to resolve:? ['\x22](?P<host>[a-z0-9_.-]+)['\x22]"),
    unknown_host(r"could(?: not|n't) resolve (?:host|proxy|server|address|hostname)(?: name)?:? ?['\x22(]?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)?"),
    unknown_host(r"(?:DNS resolution failed for|Name resolution failed for(?: target)?|unable to resolve host(?: name)?|bad address|Unable to resolve service by name) ['\x22]?(?:dns:/*)?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(?P<port>[0-9]{1,5}))?"),
    // Programs resolve and look up much else: a host is what is called so, or looks like one.
    unknown_host(r"(?:cannot|can't|could not|unable to|failed to) (?:resolve|look ?up)(?: the)? (?:host(?: ?name)?|address(?: of| for)?|domain|DNS name) ['\x22]?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(?P<port>[0-9]{1,5}))?|(?:cannot|can't|could not|unable to|failed to) (?:resolve|look ?up) ['\x22]?(?:dns:/*)?(?:(?P<host2>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*):(?P<port2>[0-9]{2,5})\b|(?P<host3>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.(?:svc|local|com|net|org|io|internal|cluster\.local)\b)|(?P<host4>[a-z0-9_-]+(?:\.[a-z0-9_-]+)+)['\x22]?(?::| \(|$))")
        .unless(r"module|import|\$ref|placeholder|symbol|bean|reference"),
    unknown_host(r"can't find (?P<host>[a-z0-9_.-]+): NXDOMAIN"),
    unknown_host(r"host not found in upstream \x22(?P<host>[a-z0-9_.-]+?)(?::(?P<port>[0-9]{1,5}))?\x22(?: in (?P<file>[^\s:]+):(?P<line>[0-9]+))?").with(&[("source", "nginx")]),
    unknown_host(r"host not found in upstream|Name or service not known|nodename nor servname|name does not resolve|no such host|no address associated with hostname|domain name not found|host is unknown|\bNXDOMAIN\b|hostname could not be resolved|No resolvable bootstrap urls|getaddrinfo failed|name or service not found|non-existent domain|\(-2, '|HostNotFound(?:Exception|Error)"),
    // A peer that refuses.
    Rule::new("connection-refused", "call", r"ECONNREFUSED|connection refused|connection was refused|connection has been refused|actively refused|ConnectionRefused|connect call failed|connection to [a-z0-9_.:-]+ refused|connect: refused|attempt returned error 111|\(os error 111\)|can't connect to (?:local )?MySQL server on [^\n]{0,120}\((?:111|61)\)|could not connect: refused|refused (?:the|our) (?:network )?connection").any().peer()
        .unless(r"(?:could not|failed to) receive data from client"),
    // A peer that does not answer.
    timeout(r"read (?:tcp|udp)[46]? \S+->\S+: i/o timeout|timeout awaiting response headers|Client\.Timeout exceeded while (?:awaiting|reading)|read timed out|read timeout(?: ?error)?\b[^=:0-9]|ReadTimeout(?:Error|Exception)?\b[^=]|SocketTimeoutException: (?:timeout|read)|ESOCKETTIMEDOUT|timeout of [0-9]+ms exceeded|upstream timed out [^\n]*while reading|HeadersTimeoutError|BodyTimeoutError|response timeout|while reading response header|The request was canceled due to the configured HttpClient\.Timeout|request timed out after|TimeoutException: Did not observe|SocketTimeoutException.{0,4}$|request to [^\n]{1,200} timed out")
        .with(&[("phase", "response")])
        .unless(r"(?:set to|configured|default)\b"),
    timeout(r"ETIMEDOUT|connect(?:ion)? timed out|connect(?:ion)?[ -]?time-?out(?:error|exception)|connect timeout(?: ?error)?:|\bdial [^\n]{1,200}i/o timeout|\[Errno 110\]|\(os error 110\)|\(110: (?:operation|connection) timed out\)[^\n]*while connecting|SocketTimeoutException: connect|ConnectTimeoutException|ConnectTimeout\b|can't connect to MySQL server on [^\n]{0,120}\((?:110|60)\)|UND_ERR_CONNECT_TIMEOUT|timeout (?:while )?(?:connecting|trying to connect)|timed out (?:while )?(?:connecting|trying to connect)|server selection timed out|ServerSelectionTimeoutError|Timeout connecting to|timeout expired$|connection attempt (?:has )?timed out|failed to connect [^\n]{0,120} within [0-9]+")
        .with(&[("phase", "connect")]).any(),
    timeout(r"i/o timeout|operation timed out|\(110: (?:operation|connection) timed out\)|context deadline exceeded|code = DeadlineExceeded|DEADLINE_EXCEEDED|StatusCode=\x22?DeadlineExceeded|deadline exceeded (?:after|while)|request (?:has )?timed out|call timed out|upstream request timeout|timed out waiting for (?:a )?(?:response|reply)|TimeoutError\b|\bTimeoutException\b|gave up waiting for|RPC timed out|timed out after [0-9]")
        .unless(r"pool|lock|queue|liveness|readiness|is set to|configured to"),
    Rule::new("no-route-to-host", "call", r"no route to host|EHOSTUNREACH|host is unreachable|NoRouteToHost|\(os error 113\)").any().peer(),
    Rule::new("network-unreachable", "call", r"network is unreachable|\bENETUNREACH\b|network unreachable|\(os error 101\)").any().peer(),
    Rule::new("connection-failed", "call", r"nats: no servers available for connection").peer().with(&[("product", "nats")]),
    // No one there to call, as client-side discovery tells it.
    Rule::new("no-instances", "call", r"no (?:servers|instances) available for (?:service:? )?(?P<host>[a-z0-9_.-]+)|no (?:available|healthy) (?:instances?|servers?|hosts?|endpoints?) (?:for|of|in)(?: service)? ['\x22]?(?P<host2>[a-z0-9_.-]+)|Load balancer does not contain an instance for the service (?P<host3>[a-z0-9_.-]+)|unable to find instance for (?P<host4>[a-z0-9_.-]+)|no provider available (?:for|from)(?: the)?(?: service)? (?P<host5>[a-z0-9_.$-]+)|(?:name resolver|produced|last resolver error:) [^\n]{0,40}zero addresses|service instance cannot be null|no endpoints available for service \x22?(?P<host6>[a-z0-9_.-]+)").peer()
        // What they are there for, not who they are.
        .unless(r"(?:available|healthy) (?:instances?|servers?|hosts?|endpoints?)? ?(?:available )?(?:for|of|in) (?:new |this |the |a )?(?:connections?|requests?|selection|processing|use|clients?|operations?|reads?|writes?)\b"),
    // A connection that breaks.
    reset(r"ECONNRESET|connection (?:was )?reset|ConnectionReset|read: connection reset|\(os error 104\)|RST_STREAM|stream (?:was )?reset"),
    reset(r"broken pipe|\bEPIPE\b|socket hang up|unexpected EOF|: EOF$|\bEOF\b.{0,2}$|EOFException|server closed the connection|connection (?:was )?closed (?:unexpectedly|by (?:the )?(?:remote|peer|server|foreign))|remote end closed connection|remotedisconnected|serverdisconnected|premature(?:ly)? clos|lost connection to (?:MySQL )?server|server has gone away|terminating connection due to administrator|transport is closing|connection (?:is|was) (?:already )?closed|closed by foreign host|server closed idle connection|other side closed|connection lost|lost connection (?:to|with)|disconnected from (?:the )?(?:server|broker|host)")
        .unless(r"client (?:closed|disconnected|aborted)|Aborted connection|communication packets|from client|to client|nosuchfile"),
    // The callee answers, but not well.
    status(r"(?:status(?: ?code)?|http(?:/[0-9.]+)?|response code|statuscode|code)(?: of| was| is|=|:| ){1,2}['\x22(]?(?P<status>[45][0-9]{2})\b[^\n]{0,80}(?:https?://|from|for url|calling|upstream|requesting)(?: ?(?P<url>https?://[^\s\x22')]+))?"),
    status(r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|upstream|calling|call to|request to) (?P<url>https?://[^\s\x22']+)(?:(?: ?(?:->|=>|→|:)| returned| responded(?: with)?| answered(?: with)?| failed(?: with)?| gave)(?: (?:http )?(?:status|code):?)? \(?(?P<status>[45][0-9]{2})\b| \(?(?P<status2>5[0-9]{2})\b)"),
    status(r"(?P<status>[45][0-9]{2}) (?:server|client) error:? [^\n]{0,60}for url: (?P<url>\S+)"),
    status(r"(?:Http(?:Server|Client)ErrorException(?:\$[a-z]+)?|WebClientResponseException(?:\$[a-z]+)?|FeignException(?:\$[a-z]+)?|HTTPError|RestClientException)[^0-9\n]{0,40}(?P<status>[45][0-9]{2})\b"),
    status(r"(?:request failed with status code|response status code does not indicate success:|unexpected (?:http )?(?:status|response)(?: ?code)?:?|bad (?:http )?(?:status|response)(?: ?code)?:?|returned (?:an? )?(?:error )?(?:http )?(?:status )?(?:code )?|respond(?:ed|s) (?:with )?(?:an? )?(?:http )?(?:status )?(?:code )?|received (?:http )?(?:status )?(?:code )?(?:an? )?|answered (?:with )?|got (?:an? )?(?:http )?(?:status )?(?:code )?|server returned (?:http response code: )?|non-2xx[^\n]{0,30}[ :=(])[ :]*\(?(?P<status>[45][0-9]{2})\b"),
    status(r"\b(?P<status>5(?:00|02|03|04)) (?:internal server error|bad gateway|service unavailable|service temporarily unavailable|gateway time-?out)"),
    // gRPC without a cause that says more.
    Rule::new("grpc-unavailable", "call", r"code ?= ?unavailable|StatusCode\.UNAVAILABLE|\b14 UNAVAILABLE|code=UNAVAILABLE|StatusCode=\x22?Unavailable|StatusRuntimeException: UNAVAILABLE|status: Unavailable\b").rank(1).peer(),
    Rule::new("grpc-error", "call", r"rpc error: code = (?P<code>[a-z]+(?:\([0-9]+\))?)|StatusCode\.(?P<code2>[A-Z_]+)|StatusRuntimeException: (?P<code3>[A-Z_]+)|StatusCode=\x22?(?P<code4>[a-z]+)|grpc status: (?P<code5>[a-z]+)|(?:^|: )(?:1[0-6]|[1-9]) (?P<code6>UNKNOWN|CANCELLED|INVALID_ARGUMENT|NOT_FOUND|PERMISSION_DENIED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|UNIMPLEMENTED|INTERNAL|UNAUTHENTICATED): ").rank(3).peer(),
    // The peer cannot be reached, the line does not say why.
    Rule::new("connection-failed", "call", r"communications link failure|(?:could not|cannot|can't|can not|couldn't|unable to|failed to|failure to) (?:open |establish |create |get |obtain |make )?(?:an? |the )?(?:new )?(?:(?:jdbc|tcp|amqp|database|db|redis|network|initial|backend|upstream|session|grpc|http) ){0,2}(?:connect(?:ion)?|reach|contact|dial)\b|no connection became available|RedisConnectionException|RedisConnectionFailureException|CannotGetJdbcConnectionException|all connection attempts failed|MongoServerSelectionError|MongoNetworkError|NoBrokersAvailable|broker may not be available|bootstrap broker [^\n]{1,80} disconnected|none of the configured nodes (?:are|is|were) available|brokers? (?:are|is) down|ProducerFenced|AMQPConnectionError|AmqpConnectException|connection (?:attempt )?failed|connection error|connect failed|ConnectionError|ConnectError|ConnectException|is (?:unreachable|not reachable)|APIConnectionError|OperationalError: \(2003|max retries exceeded")
        .rank(2).peer().unless(r"(?:rate|too many)|retry(?:ing)? (?:on|policy)"),
    Rule::new("upstream-unavailable", "call", r"(?:upstream|backend|dependency|downstream|remote service|service) (?P<name>[a-z0-9_-]+ )?(?:is )?(?:unavailable|not available|unhealthy|is down)\b|circuit ?breaker [^\n]{0,60}(?:is )?open|CallNotPermittedException|BrokenCircuitException|Breaker is open").rank(3).peer(),
    Rule::new("grpc-error", "call", r"status ?[=:] ?(?:StatusCode\.)?(?P<code>UNKNOWN|INTERNAL|RESOURCE_EXHAUSTED|UNAUTHENTICATED|PERMISSION_DENIED|UNIMPLEMENTED|FAILED_PRECONDITION)\b").rank(3).peer().scope(Scope::Errors),
];

const fn temporary(pattern: &'static str) -> Rule {
    Rule::new("host-not-found", "call", pattern).with(&[("temporary", "true")]).peer()
}

const fn unknown_host(pattern: &'static str) -> Rule {
    Rule::new("host-not-found", "call", pattern).any().peer()
}

const fn timeout(pattern: &'static str) -> Rule {
    Rule::new("connection-timeout", "call", pattern).rank(1).peer()
}

const fn reset(pattern: &'static str) -> Rule {
    Rule::new("connection-reset", "call", pattern).rank(1).peer()
}

const fn status(pattern: &'static str) -> Rule {
    Rule::new("http-status-error", "call", pattern).rank(2).peer()
}

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet, told};

    #[test]
    fn nobody_to_call() {
        each(&[
            (
                "2026-11-24T03:31:53Z ERR connect failed error=\"nats: no servers available for connection\" url=nats://bus:4222",
                "connection-failed bus:4222 product=nats",
            ),
            (
                "2026-11-24T03:31:53Z ERROR No instances available for stock-service",
                "no-instances stock-service",
            ),
        ]);
    }

    #[test]
    fn names_that_do_not_resolve() {
        each(&[
            (
                r#"level=error msg="charge failed" err="Post \"http://pay:8080/x\": dial tcp: lookup pay on 10.0.0.10:53: no such host""#,
                "host-not-found pay:8080",
            ),
            (
                "Error: getaddrinfo ENOTFOUND pay.shop.svc.cluster.local",
                "host-not-found pay.shop.svc.cluster.local",
            ),
            (
                "2026-11-24 03:31:53 ERROR java.net.UnknownHostException: pay: Name or service not known",
                "host-not-found pay",
            ),
            (
                "2026-11-24 03:31:53 ERROR java.net.UnknownHostException: pay: Temporary failure in name resolution",
                "host-not-found pay temporary=true",
            ),
            (
                "socket.gaierror: [Errno -3] Temporary failure in name resolution",
                "host-not-found temporary=true",
            ),
            (
                "2026-11-24 03:31:53 ERROR lookup pay on 10.0.0.10:53: read udp 10.1.0.3:4->10.0.0.10:53: i/o timeout",
                "host-not-found pay temporary=true",
            ),
            (
                " ---> System.Net.Sockets.SocketException (11): Resource temporarily unavailable",
                "host-not-found temporary=true",
            ),
            (
                "fail: X[0] System.Net.Sockets.SocketException (00000001, 11): Resource temporarily unavailable (pay:8080)",
                "host-not-found pay:8080 temporary=true",
            ),
            ("Error: getaddrinfo EAI_AGAIN cache", "host-not-found cache temporary=true"),
            (
                "requests.exceptions.ConnectionError: HTTPConnectionPool(host='pay', port=8080): Max retries exceeded with url: /x (Caused by NameResolutionError(\"x: Failed to resolve 'pay' ([Errno -2] Name or service not known)\"))",
                "host-not-found pay:8080",
            ),
            (
                "2026/11/24 03:31:53 [emerg] 1#1: host not found in upstream \"api\" in /etc/nginx/conf.d/default.conf:12",
                "host-not-found api source=nginx file=/etc/nginx/conf.d/default.conf",
            ),
            ("curl: (6) Could not resolve host: pay", "host-not-found pay"),
            (
                "psql: error: could not translate host name \"db\" to address: Name or service not known",
                "host-not-found db",
            ),
            ("wget: bad address 'pay:8080'", "host-not-found pay:8080"),
        ]);
    }

    #[test]
    fn peers_that_refuse_or_are_silent() {
        each(&[
            (
                r#"{"level":"error","msg":"points down","err":"connect ECONNREFUSED 10.0.0.7:8080","url":"http://points:8080/b"}"#,
                "connection-refused points:8080 ip=10.0.0.7",
            ),
            (
                "2026-11-24 03:31:53.1 UTC ERROR redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused.",
                "connection-refused cache:6379",
            ),
            (
                "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)\")",
                "connection-refused db",
            ),
            (
                "[ERROR] Unhandled: System.Net.Sockets.SocketException (111): Connection refused (pay:8080)",
                "connection-refused pay:8080",
            ),
            (
                "Error: Os { code: 111, kind: ConnectionRefused, message: \"Connection refused\" }",
                "connection-refused",
            ),
            (
                "2026-11-24T03:31:53Z ERROR dial tcp 10.96.0.4:5432: i/o timeout",
                "connection-timeout 10.96.0.4:5432 phase=connect",
            ),
            (
                "2026-11-24T03:31:53Z ERROR Get \"http://pay:8080/x\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                "connection-timeout pay:8080 phase=response",
            ),
            ("java.net.SocketTimeoutException: Read timed out", "connection-timeout phase=response"),
            ("java.net.SocketTimeoutException: connect timed out", "connection-timeout phase=connect"),
            ("AxiosError: timeout of 5000ms exceeded", "connection-timeout phase=response"),
            (
                "2026-11-24T03:31:53Z ERROR dial tcp 10.0.0.4:80: connect: no route to host",
                "no-route-to-host 10.0.0.4:80",
            ),
            ("2026-11-24T03:31:53Z ERROR connect: network is unreachable", "network-unreachable"),
            (
                "2026-11-24T03:31:53Z WARN RoundRobinLoadBalancer : No servers available for service: pay-api",
                "no-instances pay-api",
            ),
            ("Error: read ECONNRESET", "connection-reset"),
            (
                "2026-11-24T03:31:53Z ERROR write tcp 10.1.0.3:5->10.96.0.9:9092: write: broken pipe",
                "connection-reset 10.96.0.9:9092",
            ),
        ]);
    }

    #[test]
    fn answers_that_are_no_good() {
        each(&[
            ("AxiosError: Request failed with status code 503", "http-status-error status=503"),
            (
                "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: http://pay:8080/x",
                "http-status-error pay:8080 status=502",
            ),
            (
                r#"{"level":"error","msg":"quote failed","status":500,"url":"http://quote:80/q"}"#,
                "http-status-error quote:80 status=500",
            ),
            (
                "2026-11-24T03:31:53Z ERROR unexpected status code 404 from http://pay:8080/v2",
                "http-status-error pay:8080 status=404",
            ),
            (
                "2026-11-24T03:31:53Z ERROR rpc error: code = Unavailable desc = upstream gone",
                "grpc-unavailable",
            ),
            (
                "2026-11-24T03:31:53Z ERROR io.grpc.StatusRuntimeException: RESOURCE_EXHAUSTED: no",
                "rate-limited",
            ),
            (
                "2026-11-24T03:31:53Z ERROR rpc error: code = Internal desc = bad state",
                "grpc-error code=Internal",
            ),
            (
                "2026-11-24T03:31:53Z ERROR rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 10.0.0.5:7000: connect: connection refused\"",
                "connection-refused 10.0.0.5:7000",
            ),
            (
                "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure",
                "connection-failed",
            ),
        ]);
    }

    #[test]
    fn settings_and_counters_are_no_outcomes() {
        quiet(&[
            "2026-11-24T03:31:53Z INFO connect timeout set to 5s, read timeout 30s",
            "level=info msg=stats errors=0 timeouts=0 connection_refused=0",
            r#"{"level":"info","msg":"client ready","timeout":"30s","retryOn":["ECONNREFUSED"]}"#,
            "2026-11-24T03:31:53Z INFO retry policy: retry on ECONNREFUSED,ETIMEDOUT",
            "2026-11-24T03:31:53Z DEBUG dial tcp 10.0.0.1:80: connect: connection refused",
            "2026-11-24T03:31:53Z INFO connected to redis at cache:6379",
            "2026-11-24 03:31:53.1 UTC [7] LOG:  could not receive data from client: Connection reset by peer",
            r#"{"level":"info","msg":"request","status":404,"path":"/favicon.ico"}"#,
            "10.0.0.1 - - [24/Nov/2026:03:31:53 +0000] \"GET /errors HTTP/1.1\" 200 5 \"-\" \"curl\"",
        ]);
    }

    #[test]
    fn the_cause_is_told_once_for_the_whole_trace() {
        let log = "2026-11-24T03:31:53.1Z ERROR 1 --- [main] o.s.boot.App : Application run failed\n\
            org.springframework.beans.BeanCreationException: Error creating bean 'repo': connection failed\n\
            \tat a.B.c(B.java:1)\n\
            Caused by: org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname and port are correct.\n\
            \tat a.B.c(B.java:1)\n\
            Caused by: java.net.ConnectException: Connection refused\n\t... 9 more\n";
        let told = told(log);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("connection-refused db:5432"), "{told:?}");
    }

    #[test]
    fn hosts_look_like_hosts() {
        each(&[
            (
                "[2026/11/23 20:30:55] [ warn] [net] getaddrinfo(host='es.logging.svc', err=4): Domain name not found",
                "host-not-found es.logging.svc",
            ),
            (
                "[2026/11/23 20:30:55] [ warn] [net] getaddrinfo(host='es.logging.svc', err=12): Timeout while contacting DNS servers",
                "host-not-found es.logging.svc temporary=true",
            ),
            ("Error: failed to lookup address information: Name does not resolve", "host-not-found"),
            ("2026-11-23T20:00:00Z ERROR cannot resolve pay:8080", "host-not-found pay:8080"),
            (
                "2026-11-23T20:00:00Z ERROR tax lookup skipped: rpc error: code = Unavailable desc = dial tcp 10.1.1.1:50: connect: connection refused",
                "connection-refused 10.1.1.1:50",
            ),
            ("2026-11-23T20:00:00Z ERROR Failed to look up user based on cookie", "unknown-error"),
            ("2026-11-23T20:00:00Z ERROR cannot resolve the configuration: no such key", "unknown-error"),
            (
                "2026-11-23T20:00:00Z ERROR login: POST http://login/session -> 500",
                "http-status-error login:80 status=500",
            ),
            (
                "2026-11-23T20:00:00Z ERROR upstream http://contacts-api/contacts responded 500",
                "http-status-error contacts-api:80 status=500",
            ),
        ]);
    }
}
