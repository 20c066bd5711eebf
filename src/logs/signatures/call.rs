//! Outcomes of calls to other hosts, as the caller's log tells them.

use super::{Rule, Scope};

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // Name resolution. What a resolver could not answer now is not the same as "no such name".
    temporary(r"lookup (?P<host>[a-z0-9_.-]+)(?: on (?P<server>[0-9a-f.:\[\]]+))?: [^\n]*(?:i/o timeout|server misbehaving|connection refused|try again|temporary failure|deadline exceeded|connection timed out)").any(),
    temporary(r"EAI_AGAIN,? ?(?P<host>[a-z0-9_.-]+\.?[a-z0-9_-]*)?(?::(?P<port>[0-9]{1,5}))?").any(),
    temporary(r"(?:query[a-z]+|getaddrinfo) (?:ETIMEOUT|ESERVFAIL|ECONNREFUSED) (?P<host>[a-z0-9_.-]+)").any(),
    temporary(r"UnknownHostException: (?P<host>[a-z0-9_.-]+): (?:Temporary failure in name resolution|Try again|System error)").any(),
    temporary(r"(?:failed to resolve|could not translate host name|could not resolve host:?|resolving) ['\x22]?(?P<host>[a-z0-9_.-]+)['\x22]?[^\n]{0,60}(?:temporary failure|try again|timed out|timeout|SERVFAIL)").any(),
    temporary(r"temporary failure in name resolution|name resolution temporarily|connection timed out; no servers could be reached|DNS resolution (?:timed out|timeout)|DNS (?:query|lookup) (?:timed out|timeout)|DnsNameResolverTimeoutException|\bSERVFAIL\b|Resource temporarily unavailable \((?P<host>[a-z0-9_.-]+):(?P<port>[0-9]+)\)").any(),
    unknown_host(r"lookup (?P<host>[a-z0-9_.-]+)(?: on (?P<server>[0-9a-f.:\[\]]+))?: no such host"),
    unknown_host(r"(?:getaddrinfo|query[a-z]+) (?:ENOTFOUND|ENODATA) (?P<host>[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?"),
    unknown_host(r"ENOTFOUND,? (?P<host>[a-z0-9_.-]+)"),
    unknown_host(r"UnknownHostException: (?:failed to resolve ')?(?P<host>[a-z0-9_.-]+)"),
    unknown_host(r"could not translate host name ['\x22](?P<host>[a-z0-9_.-]+)['\x22]"),
    unknown_host(r"(?:unknown MySQL server host|Unknown server host|unknown host:?|php_network_getaddresses: getaddrinfo for) ['\x22]?(?P<host>[a-z0-9_.-]+)['\x22]?"),
    unknown_host(r"failed to resolve:? ['\x22](?P<host>[a-z0-9_.-]+)['\x22]"),
    unknown_host(r"could(?: not|n't) resolve (?:host|proxy|server|address|hostname)(?: name)?:? ?['\x22(]?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)?"),
    unknown_host(r"(?:DNS resolution failed for|Name resolution failed for(?: target)?|unable to resolve host(?: name)?|cannot resolve(?: host)?|can't resolve|bad address|failed to look ?up(?: address)?|Unable to resolve service by name) ['\x22]?(?:dns:/*)?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(?P<port>[0-9]{1,5}))?"),
    unknown_host(r"can't find (?P<host>[a-z0-9_.-]+): NXDOMAIN"),
    unknown_host(r"host not found in upstream \x22(?P<host>[a-z0-9_.-]+?)(?::(?P<port>[0-9]{1,5}))?\x22(?: in (?P<file>[^\s:]+):(?P<line>[0-9]+))?").with(&[("source", "nginx")]),
    unknown_host(r"host not found in upstream|Name or service not known|nodename nor servname|name does not resolve|no such host|no address associated with hostname|domain name not found|host is unknown|\bNXDOMAIN\b|hostname could not be resolved|No resolvable bootstrap urls|getaddrinfo failed|name or service not found|non-existent domain|\(-2, '|HostNotFound(?:Exception|Error)"),
    // A peer that refuses.
    Rule::new("connection-refused", "call", r"ECONNREFUSED|connection refused|connection was refused|connection has been refused|actively refused|ConnectionRefused|connect call failed|connection to [a-z0-9_.:-]+ refused|connect: refused|\(os error 111\)|can't connect to (?:local )?MySQL server on [^\n]{0,120}\((?:111|61)\)|could not connect: refused|refused (?:the|our) (?:network )?connection").any().peer()
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
    // No one there to call, as client-side discovery tells it.
    Rule::new("no-instances", "call", r"no (?:servers|instances) available for (?:service:? )?(?P<host>[a-z0-9_.-]+)|no (?:available|healthy) (?:instances?|servers?|hosts?|endpoints?) (?:for|of|in)(?: service)? ['\x22]?(?P<host2>[a-z0-9_.-]+)|Load balancer does not contain an instance for the service (?P<host3>[a-z0-9_.-]+)|unable to find instance for (?P<host4>[a-z0-9_.-]+)|no provider available (?:for|from)(?: the)?(?: service)? (?P<host5>[a-z0-9_.$-]+)|(?:name resolver|produced|last resolver error:) [^\n]{0,40}zero addresses|service instance cannot be null|no endpoints available for service \x22?(?P<host6>[a-z0-9_.-]+)").peer(),
    // A connection that breaks.
    reset(r"ECONNRESET|connection (?:was )?reset|ConnectionReset|read: connection reset|\(os error 104\)|RST_STREAM|stream (?:was )?reset"),
    reset(r"broken pipe|\bEPIPE\b|socket hang up|unexpected EOF|: EOF$|\bEOF\b.{0,2}$|EOFException|server closed the connection|connection (?:was )?closed (?:unexpectedly|by (?:the )?(?:remote|peer|server|foreign))|remote end closed connection|remotedisconnected|serverdisconnected|premature(?:ly)? clos|lost connection to (?:MySQL )?server|server has gone away|terminating connection due to administrator|transport is closing|connection (?:is|was) (?:already )?closed|closed by foreign host|server closed idle connection|other side closed|connection lost|lost connection (?:to|with)|disconnected from (?:the )?(?:server|broker|host)")
        .unless(r"client (?:closed|disconnected|aborted)|Aborted connection|communication packets|from client|to client|nosuchfile"),
    // The callee answers, but not well.
    status(r"(?:status(?: ?code)?|http(?:/[0-9.]+)?|response code|statuscode|code)(?: of| was| is|=|:| ){1,2}['\x22(]?(?P<status>[45][0-9]{2})\b[^\n]{0,80}(?:https?://|from|for url|calling|upstream|requesting)(?: ?(?P<url>https?://[^\s\x22')]+))?"),
    status(r"(?P<status>[45][0-9]{2}) (?:server|client) error:? [^\n]{0,60}for url: (?P<url>\S+)"),
    status(r"(?:Http(?:Server|Client)ErrorException(?:\$[a-z]+)?|WebClientResponseException(?:\$[a-z]+)?|FeignException(?:\$[a-z]+)?|HTTPError|RestClientException)[^0-9\n]{0,40}(?P<status>[45][0-9]{2})\b"),
    status(r"(?:request failed with status code|response status code does not indicate success:|unexpected (?:http )?(?:status|response)(?: ?code)?:?|bad (?:http )?(?:status|response)(?: ?code)?:?|returned (?:an? )?(?:error )?(?:http )?(?:status )?(?:code )?|respond(?:ed|s) with (?:an? )?(?:http )?(?:status )?(?:code )?|received (?:http )?(?:status )?(?:code )?(?:an? )?|answered (?:with )?|got (?:an? )?(?:http )?(?:status )?(?:code )?|server returned (?:http response code: )?|non-2xx[^\n]{0,30}[ :=(])\(?(?P<status>[45][0-9]{2})\b"),
    status(r"\b(?P<status>5(?:00|02|03|04)) (?:internal server error|bad gateway|service unavailable|service temporarily unavailable|gateway time-?out)"),
    // gRPC without a cause that says more.
    Rule::new("grpc-unavailable", "call", r"code ?= ?unavailable|StatusCode\.UNAVAILABLE|\b14 UNAVAILABLE|code=UNAVAILABLE|StatusCode=\x22?Unavailable|StatusRuntimeException: UNAVAILABLE|status: Unavailable\b").rank(1).peer(),
    Rule::new("grpc-error", "call", r"rpc error: code = (?P<code>[a-z]+(?:\([0-9]+\))?)|StatusCode\.(?P<code2>[A-Z_]+)|StatusRuntimeException: (?P<code3>[A-Z_]+)|StatusCode=\x22?(?P<code4>[a-z]+)|grpc status: (?P<code5>[a-z]+)|(?:^|: )(?:1[0-6]|[1-9]) (?P<code6>UNKNOWN|CANCELLED|INVALID_ARGUMENT|NOT_FOUND|PERMISSION_DENIED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|UNIMPLEMENTED|INTERNAL|UNAUTHENTICATED): ").rank(3).peer(),
    // The peer cannot be reached, the line does not say why.
    Rule::new("connection-failed", "call", r"communications link failure|(?:could not|cannot|can't|can not|couldn't|unable to|failed to|failure to) (?:open |establish |create |get |obtain |make )?(?:an? |the )?(?:new )?(?:(?:jdbc|tcp|amqp|database|db|redis|network|initial|backend|upstream|session|grpc|http) ){0,2}(?:connect(?:ion)?|reach|contact|dial)\b|no connection became available|RedisConnectionException|RedisConnectionFailureException|CannotGetJdbcConnectionException|all connection attempts failed|MongoServerSelectionError|MongoNetworkError|NoBrokersAvailable|broker may not be available|brokers? (?:are|is) down|ProducerFenced|AMQPConnectionError|AmqpConnectException|connection (?:attempt )?failed|connection error|connect failed|ConnectionError|ConnectError|ConnectException|is (?:unreachable|not reachable)|APIConnectionError|OperationalError: \(2003|max retries exceeded")
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
