//! What an identity may not do: in the API, on a file, in a cloud.

use super::{Rule, Scope};

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // The identity provider does not accept the client, or the token is not what the server trusts.
    Rule::new("identity-rejected", "permission", r"oauth2: [^\n]{0,40}\x22?(?P<reason>invalid_client|unauthorized_client|invalid_grant)|\berror\x22?[=:] ?\x22?(?P<reason2>invalid_client|unauthorized_client)\b|oidc: (?:id token issued by a different provider|issuer did not match|failed to verify signature|expected audience)|issuer (?:URL )?provided to client[^\n]{0,60}did not match|invalid issuer(?: claim)?|jwt (?:issuer|audience) invalid|(?:unable|failed) to (?:find|match) [^\n]{0,30}(?:signing key|jwk|\bkid\b)").with(&[("product", "oidc")]),
    Rule::new("rbac-forbidden", "permission", r"is forbidden: User \x22(?P<user>[^\x22]+)\x22 cannot (?P<verb>[a-z]+) (?:resource )?\x22(?P<resource>[^\x22]+)\x22 in API group \x22(?P<group>[^\x22]*)\x22(?: in the namespace \x22(?P<namespace>[^\x22]+)\x22)?").any(),
    Rule::new("rbac-forbidden", "permission", r"User \x22(?P<user>system:[^\x22]+)\x22 cannot (?P<verb>[a-z]+) (?:resource )?\x22?(?P<resource>[a-z0-9./-]+)|is attempting to grant RBAC permissions not currently held|clusterroles?\.rbac\.authorization\.k8s\.io [^\n]{0,80}forbidden").any(),
    // A namespace that goes away takes nothing new.
    Rule::new("namespace-terminating", "permission", r"unable to create new content in namespace (?P<name>[a-z0-9-]{1,63}) because it is being terminated").any(),
    Rule::new("admission-denied", "permission", r"admission webhook \x22(?P<name>[^\x22]+)\x22 denied the request|failed calling webhook \x22(?P<name2>[^\x22]+)\x22|violates PodSecurity").any(),
    Rule::new("cloud-credentials", "permission", r"NoCredentialProviders|no (?:valid )?(?:credential|identity) (?:providers?|sources?)|Unable to locate credentials|could not (?:find default|load default) credentials|Unable to load (?:AWS )?credentials|InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|ExpiredTokenException|InvalidAccessKeyId|\bAuthFailure\b|UnrecognizedClientException|is not authorized to perform:? (?P<verb>[a-z0-9:*]+)|AccessDenied(?:Exception)?\b|DefaultCredentialsError|failed to retrieve credentials|failed to refresh cached credentials|no EC2 IMDS role found|CredentialsProviderError|oauth2: (?:cannot fetch token|\x22invalid_grant\x22)|invalid_grant|does not have (?P<verb2>[a-z.]+) access to|ManagedIdentityCredential|AuthorizationFailed|AADSTS[0-9]+")
        // A file or a method that is denied is no cloud's answer.
        .unless(r"AccessDenied(?:Exception|Error): ?['\x22]?(?:/|[a-z]:\\|access is denied|access to the path)|nio\.file|springframework|hadoop\.security"),
    Rule::new("unauthorized", "permission", r"the server has asked for the client to provide credentials|\b401 Unauthorized|401 Client Error|Unauthorized(?:Exception|Error)|status(?: ?code)?[ =:]+401\b|\b401:? unauthorized|invalid bearer token|token (?:has |is )?(?:expired|invalid|revoked)|jwt (?:expired|malformed)|TokenExpiredError|JWTExpired|ExpiredJwtException|invalid (?:api[ -]?key|token|signature)|Incorrect API key|x-api-key|authentication (?:is )?required|UNAUTHENTICATED\b|code = Unauthenticated|signature (?:verification failed|is invalid)").rank(1).peer()
        .unless(r"(?:user|visitor|customer) (?:presented|sent|used)"),
    Rule::new("forbidden", "permission", r"\b403 Forbidden|403 Client Error|status(?: ?code)?[ =:]+403\b|code = PermissionDenied|PERMISSION_DENIED\b|ForbiddenException|HTTP 403").rank(1).peer(),
    // Programs that look at who they are, and refuse.
    Rule::new("wrong-user", "permission", r"\x22?root\x22? execution of the \S+ server is not permitted|(?:must not|should not|can ?not|do not|refus\w+ to|not allowed to) (?:be )?(?:run|start(?:ed)?|execut\w+)[^\n]{0,30} as (?:the )?(?:root|superuser)|must be (?:started|run) (?:under an unprivileged|as (?:the )?root)|needs to be run as root|you (?:must|need to) be root|requires root privileges"),
    Rule::new("permission-denied", "permission", r"(?:open|mkdir|create|write|stat|unlink|rename|chmod|chown|scandir|can't create|cannot (?:create|open|access|touch)[^/\n]{0,30}|could not (?:open|create|access)[^/\n]{0,40}|Permission denied: ?|fopen\(|exec|\bEACCES\b[^/\n]{0,40}|AccessDeniedException: ?|FileNotFoundException: )[ :]*['\x22]?(?P<path>/[^\s'\x22:,()]+)['\x22]?[^\n]{0,40}(?:permission denied|\bEACCES\b|\(permission denied\)|access is denied)|(?:permission denied:? ?|\bEACCES\b[^/\n]{0,60}|\[Errno 13\][^/\n]{0,40}|AccessDeniedException: ?)['\x22]?(?P<path2>/[^\s'\x22:,()]+)|(?P<path3>/[^\s'\x22:,()]+)['\x22]?: permission denied|(?:open|mkdir|stat|unlink|chown)\(\) \x22(?P<path5>[^\x22]+)\x22 failed \(13|changing (?:ownership|permissions) of '(?P<path6>[^']+)': (?:operation not permitted|permission denied)|data directory \x22(?P<path4>[^\x22]+)\x22 has (?:wrong ownership|invalid permissions)|access to the path ['\x22](?P<path7>[^'\x22]+)['\x22] is denied").any()
        .unless(r"bind|listen tcp"),
    Rule::new("bind-denied", "permission", r"(?:bind|listen)[^\n]{0,60}:(?P<port>[0-9]{1,5})\b[^\n]{0,40}(?:permission denied|\bEACCES\b|failed \(13)|(?:bind|listen)[^\n]{0,20}\bEACCES\b[^\n]{0,60}:(?P<port2>[0-9]{1,5})|\bEACCES\b: permission denied,? (?:[0-9a-f.:\[\]]*|\*):(?P<port7>[0-9]{1,5})\b|bind\(\) to \S*?:(?P<port3>[0-9]{1,5}) failed \(13|permission denied[^\n]{0,60}(?:could not bind|bind)[^\n]{0,30}:(?P<port4>[0-9]{1,5})\b|\[Errno 13\][^\n]{0,60}bind on address \([^)]*, (?P<port5>[0-9]{1,5})\)|connection to \('[^']*', (?P<port11>[0-9]{1,5})\) failed: \[Errno 13\]|cannot bind socket \(permission denied\)[^\n]{0,20}\[\S*:(?P<port12>[0-9]{1,5})\]|(?:cannot|could not|can't|failed to|unable to) bind[^\n]{0,60}?\bport (?P<port6>[0-9]{1,5})\b[^\n]{0,40}permission denied|BindException: Permission denied(?:[^\n]{0,40}:(?P<port8>[0-9]{1,5}))?|(?:cannot|could not|unable to) (?:bind|listen)[^\n]{0,60}permission denied|(?:failed|unable|could not) to bind to port (?P<port9>[0-9]{1,5})[^\n]{0,60}(?:permission denied|EACCES)|Permission denied - bind\(2\) for [^\n]{0,60}(?:port |:)(?P<port10>[0-9]{1,5})").any()
        .unless(r"unix socket|\.sock\b|unix:"),
    Rule::new("permission-denied", "permission", r"permission denied|\bEACCES\b|operation not permitted|\bEPERM\b|\(os error 13\)|\(os error 1\)|AccessDeniedException|PermissionError|UnauthorizedAccessException|must be run as root|can only be run as root|requires root|may not run as root|as root is not (?:allowed|permitted)|setuid|setgid\([0-9]+\) failed|initgroups").rank(2).scope(Scope::Suspect)
        .unless(r"permission denied for (?:table|schema|relation)|not an error|publickey|springframework"),
];

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet};

    #[test]
    fn identities() {
        each(&[
            (
                "2026-11-24T03:31:53Z ERROR token exchange: oauth2: \"invalid_client\" \"Client authentication failed\"",
                "identity-rejected reason=invalid_client product=oidc",
            ),
            (
                "2026-11-24T03:31:53Z FATAL oidc: issuer did not match the issuer returned by provider, expected \"https://id.a/\" got \"https://id.b/\"",
                "identity-rejected product=oidc",
            ),
            (
                "E1124 03:31:53.000000       1 reflector.go:138] failed to list *v1.Pod: pods is forbidden: User \"system:serviceaccount:shop:bot\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
                "rbac-forbidden user=system:serviceaccount:shop:bot verb=list resource=pods group=",
            ),
            (
                "2026-11-24T03:31:53Z ERROR deployments.apps \"web\" is forbidden: User \"system:serviceaccount:shop:bot\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
                "rbac-forbidden group=apps namespace=shop verb=patch",
            ),
            (
                "2026-11-24T03:31:53Z ERROR NoCredentialProviders: no valid providers in chain",
                "cloud-credentials",
            ),
            (
                "2026-11-24T03:31:53Z ERROR the server has asked for the client to provide credentials",
                "unauthorized",
            ),
            ("AxiosError: Request failed with status code 401", "unauthorized"),
        ]);
    }

    #[test]
    fn files_and_ports() {
        each(&[
            (
                "2026-11-24T03:31:53Z FATAL open /data/db.lock: permission denied",
                "permission-denied path=/data/db.lock",
            ),
            ("Error: EACCES: permission denied, mkdir '/app/cache'", "permission-denied path=/app/cache"),
            ("PermissionError: [Errno 13] Permission denied: '/data/x'", "permission-denied path=/data/x"),
            ("2026-11-24T03:31:53Z FATAL listen tcp :80: bind: permission denied", "bind-denied port=80"),
            ("Error: listen EACCES: permission denied 0.0.0.0:80", "bind-denied port=80"),
        ]);
        quiet(&["2026-11-24T03:31:53Z INFO access granted to resource exception handler"]);
    }

    #[test]
    fn denials_of_files_are_no_cloud_and_ports_no_files() {
        each(&[
            (
                "java.nio.file.AccessDeniedException: /data/node.lock",
                "permission-denied path=/data/node.lock",
            ),
            (
                "System.UnauthorizedAccessException: Access to the path '/data/keys' is denied.",
                "permission-denied path=/data/keys",
            ),
            (
                "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
                "cloud-credentials",
            ),
            (
                "2026/11/24 03:31:53 [emerg] 1#1: bind() to 0.0.0.0:80 failed (13: Permission denied)",
                "bind-denied port=80",
            ),
            (
                "(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80",
                "bind-denied port=80",
            ),
            ("java.net.BindException: Permission denied (Bind failed)", "bind-denied"),
            (
                "OSError: [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied",
                "bind-denied port=80",
            ),
        ]);
    }

    #[test]
    fn answers_of_the_api_server_in_whatever_quotes() {
        let message = r#"pods is forbidden: User \"system:serviceaccount:d:s\" cannot create resource \"pods\" in API group \"\" in the namespace \"d\""#;
        let status = format!(
            r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{message}","code":403}}"#
        );
        let escaped = status.replace('\\', r"\\").replace('"', "\\\"");
        let python = format!(
            "2026-11-23 20:30:56 ERROR create\nTraceback (most recent call last):\n  File \"/a.py\", line 1\nkubernetes.client.exceptions.ApiException: (403)\nReason: Forbidden\nHTTP response body: {status}\n"
        );
        let want = "rbac-forbidden verb=create resource=pods user=system:serviceaccount:d:s";
        each(&[
            (&python, want),
            (&format!("2026-11-23T20:30:56Z ERROR body: {status}"), want),
            (&format!("2026-11-23T20:30:56Z ERROR body: \"{escaped}\""), want),
            (
                "2026-11-23T20:30:56Z ERROR io.fabric8.KubernetesClientException: Failure executing: POST at: https://10.96.0.1/api. Message: pods is forbidden: User \"system:serviceaccount:d:s\" cannot create resource \"pods\" in API group \"\" in the namespace \"d\". Received status: Status(apiVersion=v1, code=403, message=pods is forbidden)",
                want,
            ),
        ]);
    }
}
