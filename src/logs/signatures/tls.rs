//! TLS and protocol mismatches between caller and callee.

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    rule("certificate-expired", r"certificate has expired or is not yet valid: current time [^\n]* is before").with(&[("reason", "not-yet-valid")]),
    rule("certificate-expired", r"certificate (?:has |is )?expired|CERT_HAS_EXPIRED|CertificateExpiredException|certificate_expired|alert certificate expired|certificate has expired or is not yet valid|cert(?:ificate)? expired on|SEC_ERROR_EXPIRED|NotAfter:").with(&[("reason", "expired")])
        .unless(r"(?:will|about to|soon)\b"),
    error(r"certificate is not yet valid|CERT_NOT_YET_VALID|CertificateNotYetValidException").with(&[("reason", "not-yet-valid")]),
    error(r"certificate signed by unknown authority|unable to get local issuer certificate|self[- ]signed certificate|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|unable to find valid certification path|PKIX path (?:building|validation) failed|unknown ca\b|unknown_ca|UnknownIssuer|certificate verify failed|CERTIFICATE_VERIFY_FAILED|RemoteCertificateChainErrors|PartialChain|UntrustedRoot|invalid peer certificate").with(&[("reason", "unknown-authority")])
        .unless(r"CA certificate \S+ is self signed|hostname mismatch|generated self[- ]signed|using (?:a )?self[- ]signed|has expired"),
    error(r"certificate is valid for (?P<name>[^,\n]{1,120}), not (?P<host>[a-z0-9_.*-]+)|(?:doesn't|does not) contain any IP SANs|certificate is not valid for|hostname mismatch|Hostname/IP (?:does not match|doesn't match)|ERR_TLS_CERT_ALTNAME_INVALID|No subject alternative (?:DNS )?names?|No name matching (?P<host2>[a-z0-9_.-]+) found|RemoteCertificateNameMismatch|hostname [^\n]{0,80}doesn't match|NotValidForName|certificate relies on legacy Common Name|no alternative certificate subject name matches").with(&[("reason", "hostname-mismatch")]),
    error(r"first record does not look like a TLS handshake|wrong version number|WRONG_VERSION_NUMBER|server gave HTTP response to HTTPS client|Unsupported or unrecognized SSL message|packet length too long|:http request\b|InvalidContentType|NotSslRecordException|unknown protocol\b|not an SSL/TLS record|unexpected message[^\n]{0,40}handshake|plain HTTP response|Cannot determine the corrupted? frame|received unexpected (?:handshake )?message|frame size corrupted")
        .with(&[("reason", "plaintext-peer")])
        .unless(r"unknown protocol version|TLS handshake error from"),
    // What a server says of callers that do not speak TLS; of others only the callers know more.
    Rule::new("plaintext-caller", "server", r"TLS handshake error from (?P<name>\S+): (?:tls: first record does not look like|client sent an HTTP request|tls: unsupported SSLv2)").any(),
    error(r"client sent an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port|sent plain HTTP|http request to an https|HTTPS expected").with(&[("reason", "plaintext-client")])
        .unless("TLS handshake error from"),
    error(r"tls: (?:no supported versions|protocol version not supported|client offered only unsupported)|no cipher suites in common|no protocols in common|NO_SHARED_CIPHER|no shared cipher|unsupported protocol|UNSUPPORTED_PROTOCOL|handshake_failure|handshake failure|alert protocol version|server selected unsupported protocol|no appropriate protocol").with(&[("reason", "no-common-protocol")])
        .unless(r"unsupported protocol scheme"),
    error(r"certificate required|bad certificate|tls: bad_certificate|peer did not return a certificate|no required SSL certificate|client (?:certificate|cert)[^\n]{0,40}(?:required|not provided|missing)").with(&[("reason", "client-certificate")])
        .unless(r"TLS handshake error from|NetServerImpl|while SSL handshaking, client:"),
    // A server's word that its caller does not accept the certificate that it shows.
    Rule::new("certificate-refused", "server", r"TLS handshake error from (?P<name>\S+): remote error: tls: (?P<reason>bad certificate|unknown certificate(?: authority)?|expired certificate|certificate unknown|revoked certificate)|NetServerImpl[^\n]*Received fatal alert: (?P<reason2>\w*certificate\w*)|alert (?P<reason3>[a-z ]*certificate[a-z ]*):SSL alert number [0-9]+\) while SSL handshaking, client: (?P<name2>\S+?),").any(),
    error(r"tls: failed to (?:find any PEM|parse)|unable to load (?:server )?certificate|cannot load certificate(?: key)? \x22?(?P<path>[^\x22\s:]+)|private key does not match|key values mismatch|no start line|PEM routines|failed to load (?:tls )?(?:key ?pair|certificate)|keystore was tampered with|keystore password was incorrect|Invalid keystore format|could not load (?:server certificate|private key) file \x22(?P<path2>[^\x22]+)").with(&[("reason", "unusable-certificate")]),
    error(r"remote error: tls: (?P<message>[a-z ]+)|SSLHandshakeException|SSLHandshake(?:Failed)?|TLS handshake (?:error|failed|timeout)|SSL_do_handshake\(\) failed|SSL_connect|SSLError|ssl handshake|AuthenticationException: The remote certificate|\bEPROTO\b|handshake did not succeed|secure connection failed|x509: ").rank(1)
        .unless(r": EOF$|connection reset|TLS handshake error from|NetServerImpl|while SSL handshaking, client:"),
    Rule::new("protocol-mismatch", "call", r"malformed HTTP (?:response|version|request|status)|unsupported protocol scheme|http2: (?:frame too large|server: error reading preface)|bogus greeting|PROTOCOL_ERROR|FRAME_SIZE_ERROR|error reading server preface|preface (?:error|invalid)|invalid (?:http )?(?:request line|method|response)[^\n]{0,30}(?:\\x16|0x16|preface|PRI \*)|HPE_INVALID|Parse Error: Expected HTTP|BadStatusLine|HttpParserException|Invalid HTTP (?:request|method|status line)|unexpected content-type \x22?text/html|received invalid response to SSL negotiation|invalid length of startup packet|unexpected packet|Packets out of order|Got packet bigger|Protocol error, got|invalid (?:protocol|wire) (?:version|header)|Unexpected protocol|Invalid character found in method name|Connection header did not include|missing selected ALPN property|illegal request line").any().peer(),
];

const fn rule(id: &'static str, pattern: &'static str) -> Rule {
    Rule::new(id, "call", pattern).peer()
}

const fn error(pattern: &'static str) -> Rule {
    rule("tls-error", pattern)
}

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet};

    #[test]
    fn what_servers_hear_of_their_certificates() {
        each(&[
            (
                "2026-11-24 03:31:53,123 WARN  [io.vertx.core.net.impl.NetServerImpl] (vert.x-eventloop-thread-1) TLS handshake failed: javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate",
                "certificate-refused reason=bad_certificate",
            ),
            (
                "2026/11/24 03:31:53 [info] 7#7: *42 SSL_do_handshake() failed (SSL: error:0A000412:SSL routines::sslv3 alert bad certificate:SSL alert number 42) while SSL handshaking, client: 10.1.0.9, server: 0.0.0.0:443",
                "certificate-refused name=10.1.0.9 reason=bad certificate",
            ),
        ]);
    }

    #[test]
    fn certificates_and_protocols() {
        each(&[
            (
                "2026-11-24T03:31:53Z ERROR Get \"https://pay/x\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
                "tls-error pay:443 reason=unknown-authority",
            ),
            (
                "2026-11-24T03:31:53Z ERROR x509: certificate has expired or is not yet valid: current time 2026-11-24T03:31:53Z is after 2026-11-01T00:00:00Z",
                "certificate-expired reason=expired",
            ),
            (
                "2026-11-24T03:31:53Z ERROR x509: certificate is valid for web, not pay.shop.svc",
                "tls-error pay.shop.svc reason=hostname-mismatch",
            ),
            (
                "2026-11-24T03:31:53Z ERROR Get \"https://pay:8080/\": tls: first record does not look like a TLS handshake",
                "tls-error pay:8080 reason=plaintext-peer",
            ),
            (
                "2026-11-24T03:31:53Z ERROR Get \"https://pay:8080/\": http: server gave HTTP response to HTTPS client",
                "tls-error pay:8080 reason=plaintext-peer",
            ),
            (
                "requests.exceptions.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)",
                "tls-error reason=plaintext-peer",
            ),
            (
                "Error: unable to verify the first certificate; code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'",
                "tls-error reason=unknown-authority",
            ),
            (
                "javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path to requested target",
                "tls-error reason=unknown-authority",
            ),
            (
                "Error: certificate has expired\n    at TLSSocket.onConnectSecure (node:_tls_wrap:1)",
                "certificate-expired",
            ),
            (
                "2026-11-24T03:31:53Z ERROR net/http: HTTP/1.x transport connection broken: malformed HTTP response \"\\x00\\x00\"",
                "protocol-mismatch",
            ),
            (
                "2026-11-24T03:31:53Z ERROR Get \"pay:8080\": unsupported protocol scheme \"pay\"",
                "protocol-mismatch",
            ),
            (
                "2026/11/24 03:31:53 [emerg] 1#1: cannot load certificate \"/etc/tls/tls.crt\": PEM_read_bio_X509_AUX() failed",
                "tls-error reason=unusable-certificate path=/etc/tls/tls.crt",
            ),
        ]);
    }

    #[test]
    fn a_server_tells_of_callers_that_speak_plain_http() {
        each(&[(
            "2026/11/24 03:31:53 http: TLS handshake error from 10.1.0.7:40312: client sent an HTTP request to an HTTPS server",
            "plaintext-caller name=10.1.0.7:40312",
        )]);
    }

    #[test]
    fn talk_about_tls_is_no_error() {
        quiet(&[
            "2026-11-24T03:31:53Z INFO generated self-signed certificate",
            "2026-11-24T03:31:53Z INFO http request completed path=/x",
            "2026-11-24T03:31:53Z WARN certificate will expire soon: 20 days",
            "2026-11-24T03:31:53Z INFO TLS handshake completed with peer",
        ]);
    }

    #[test]
    fn a_caller_that_does_not_accept_the_servers_certificate() {
        each(&[(
            "2026/11/24 03:31:53 http: TLS handshake error from 10.1.0.7:40312: remote error: tls: bad certificate",
            "certificate-refused name=10.1.0.7:40312",
        )]);
    }
}
