//! Databases and brokers: what a client hears from them, and what they say of themselves.
//!
//! `side` tells who speaks: `server` for the database's own log, absent for a client.

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // Credentials. A server that turns a client away says so at any level.
    refused(r"\[(?:Note|Warning)\][^\n]{0,60}Access denied for user '(?P<user>[^']*)'@'(?P<server>[^']*)'").with(&[("product", "mysql"), ("side", "server")])
        // A health check of the server itself, which need not log in.
        .unless(r"@'(?:localhost|127\.0\.0\.1|::1)'"),
    refused(r"Access denied for user '?(?P<user>[^'@\s]*)'?@'?(?P<server>[^'\s]*)'? \(using password: (?:YES|NO)\)").with(&[("product", "mysql")]).unless(r"\[(?:Note|Warning)\]"),
    refused(r"(?:password|SCRAM|peer|ident|md5|GSSAPI|LDAP|certificate) authentication failed for user \x22(?P<user>[^\x22]+)\x22").with(&[("product", "postgresql")]),
    refused(r"no pg_hba\.conf entry for (?:host|replication connection from host) \x22(?P<server>[^\x22]+)\x22, user \x22(?P<user>[^\x22]+)\x22(?:, database \x22(?P<database>[^\x22]+)\x22)?|no password supplied|server requested (?:SCRAM|password)-?based authentication|fe_sendauth: no password").with(&[("product", "postgresql")]),
    refused(r"MongoServerError: (?:Authentication failed|bad auth)|AuthenticationFailed[^\n]{0,80}(?:mongo|SCRAM)|SCRAM[^\n]{0,30}authentication failed|MongoSecurityException|command \S+ requires authentication|Exception authenticating MongoCredential|not authorized on (?P<database>\S+) to execute command").with(&[("product", "mongodb")]),
    refused(r"\bWRONGPASS\b|NOAUTH Authentication required|ERR (?:AUTH|invalid password|Client sent AUTH)|invalid username-password pair|\bNOPERM\b").with(&[("product", "redis")]),
    refused(r"ACCESS_REFUSED|PLAIN login refused: user '(?P<user>[^']+)'|NOT_ALLOWED - access to vhost '?(?P<database>[^'\s]+)|user '(?P<user2>[^']+)' - invalid credentials|username or password not allowed").with(&[("product", "rabbitmq")]),
    refused(r"SaslAuthenticationException|SASL authentication (?:failed|error)|SASL_AUTHENTICATION_FAILED|TopicAuthorizationException|GroupAuthorizationException|SaslAuthenticationFailed|failed authentication due to").with(&[("product", "kafka")]),
    refused(r"unable to authenticate user \[(?P<user>[^\]]+)\]|missing authentication credentials for REST request|security_exception[^\n]{0,60}authenticate").with(&[("product", "elasticsearch")]),
    refused(r"nats: Authorization Violation|authorization violation|Authentication Timeout").with(&[("product", "nats")]),
    refused(r"Login failed for user '(?P<user>[^']+)'|ORA-01017").with(&[("product", "sql")]),
    refused(r"There is an issue connecting to your database with your username/password, username: (?P<user>[^\s.]+)"),
    Rule::new("credentials-rejected", "dependency", r"(?:authentication|login|auth) (?:has )?failed(?: for)?(?: user:? ['\x22]?(?P<user>[a-z0-9_.@-]+))?|invalid (?:username or password|credentials|password|login)|bad (?:username or password|credentials)|(?:username|user name|user) (?:and|or) password (?:is |are )?(?:incorrect|invalid|not accepted)|535[ -]5\.7\.[0-9]|not authorized to connect").rank(1).peer()
        // Somebody who logs in to the program itself: it says from where.
        .unless(r"login failed for (?:customer|visitor|account)|HTTP/1|retrying in a moment|\b(?:ip|client(?:[_ ]?(?:ip|addr))?|remote[_ ]?addr)\b[ =:\x22']{1,4}(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b"),
    Rule::new("mail-authentication", "dependency", r"\b4(?:54|51|35)[ -]4\.7\.[0-9] [^\n]{0,60}authentication failure|temporary authentication failure").rank(1).peer(),
    // Connections run out.
    rule("too-many-connections", r"Too many connections").with(&[("product", "mysql")]),
    rule("too-many-connections", r"remaining connection slots are reserved|sorry, too many clients already|too many connections for (?:role|database) \x22(?P<user>[^\x22]+)\x22|no more connections allowed \(max_client_conn\)|query_wait_timeout").with(&[("product", "postgresql")]),
    rule("too-many-connections", r"max number of clients reached").with(&[("product", "redis")]),
    rule("too-many-connections", r"User '?(?P<user>\S+?)'? (?:already )?has (?:already )?(?:more than|exceeded)[^\n]{0,40}(?:max_user_connections|active connections)|max_user_connections|connection refused because too many open connections|connection limit exceeded|maximum (?:number of )?connections (?:exceeded|reached)|connection\.max|too many open connections|ORA-12(?:516|519|520)|ORA-00018|exceeds? (?:the )?(?:max(?:imum)?|limit of) (?:number of )?connections|reached (?:the )?(?:max(?:imum)? )?connection limit"),
    // A pool that holds no connection at all could not open one.
    Rule::new("connection-failed", "call", r"(?:Connection is not available, request timed out after|Timeout failure stats|pool stats)[^\n]{0,80}\(total=0\b").rank(1).peer(),
    Rule::new("connection-failed", "call", r"NOT_ENOUGH_REPLICAS|NotEnoughReplicas(?:AfterAppend)?Exception|Messages are rejected since there are fewer in-sync replicas|LEADER_NOT_AVAILABLE|LeaderNotAvailable(?:Exception|Error)|COORDINATOR_NOT_AVAILABLE").rank(2).peer().with(&[("product", "kafka")]),
    Rule::new("pool-exhausted", "resource", r"Connection is not available, request timed out after (?P<ms>[0-9]+) ?ms|QueuePool limit of size [0-9]+ overflow|PoolExhausted|pool (?:is )?exhausted|(?:connection )?pool timeout|timeout (?:trying to get|acquiring|waiting for|exceeded when trying to connect|while waiting for)[^\n]{0,40}(?:connection|pool)|Timeout acquiring a connection|timed out (?:fetching|waiting for)[^\n]{0,40}(?:connection(?: from| pool)|pool)|no (?:idle|free|available) connections? (?:in|available)|Timeout waiting for connection from pool|Cannot get a connection, pool error|could not obtain (?:a )?pooled connection|MongoWaitQueueFullException|WaitQueueTimeoutError|all pooled connections were in use|connection pool (?:is )?(?:full|exhausted|empty)|no more connections available in pool|PoolTimeout(?:Error)?\b|ConnectionPoolTimeout|redis: connection pool timeout|JedisExhaustedPoolException|Could not get a resource from the pool|max(?:imum)? pool size (?:was )?reached|\bP2024\b").unless(r"\(total=0\b"),
    // A store whose disk is full, as its callers hear it.
    full(r"(?:FORBIDDEN|TOO_MANY_REQUESTS)/12/(?:disk usage exceeded flood-stage watermark|index read-only / allow delete)|index has read-only-allow-delete block").with(&[("product", "elasticsearch")]),
    full(r"psycopg2?\.errors\.DiskFull|(?:SQLSTATE|code)[ :=\[(]{1,3}'?53100\b|could not extend file \x22[^\x22]+\x22: no space left").with(&[("product", "postgresql")]),
    full(r"The table '[^']+' is full|Got error 28 (?:'[^']*' )?from storage engine|(?:1114|1021), [\x22'](?:The table|Disk full)").with(&[("product", "mysql")]),
    full(r"OutOfDiskSpace|(?:code:?|error) ?14031\b").with(&[("product", "mongodb")]),
    full(r"mvcc: database space exceeded|etcdserver: no space|alarm:NOSPACE").with(&[("product", "etcd")]),
    full(r"KAFKA_STORAGE_ERROR|KafkaStorageException: (?:Disk error|The disk)").with(&[("product", "kafka")]),
    full(r"XMinioStorageFull|Storage backend has reached its minimum free (?:drive|disk) threshold").with(&[("product", "s3")]),
    full(r"\b507 insufficient storage\b|\bInsufficientStorage\b|(?:server returned|HTTP status|status code|response code|responded with|rpc error: code =)[^\n]{0,160}\b(?:no space left on device|disk quota exceeded)"),
    // A store of secrets that answers nothing before somebody, or a key service, unseals it.
    rule("store-sealed", r"\b(?:Vault|OpenBao) is sealed\b").with(&[("product", "vault")]),
    // A server that does not take writes.
    rule("read-only", r"running with the --(?P<name>(?:super-)?read-only) option|super_read_only|ER_OPTION_PREVENTS_STATEMENT").with(&[("product", "mysql")]),
    rule("read-only", r"cannot execute (?P<verb>[A-Z ]+) in a read-only transaction|cannot execute [a-z ]+ during recovery").with(&[("product", "postgresql")]),
    rule("read-only", r"READONLY You can't write against a read only|NOREPLICAS Not enough good replicas|UNBLOCKED force unblock").with(&[("product", "redis")]),
    rule("read-only", r"NotWritablePrimary|not master(?: and slaveOk|OrSecondary)?\b|not primary|NotPrimaryNoSecondaryOk|node is recovering|no primary (?:available|found|exists)").with(&[("product", "mongodb")]),
    rule("read-only", r"index(?: \[[^\]]*\])? (?:is )?(?:blocked by|read-only)|FORBIDDEN/8/index|cluster_block_exception").with(&[("product", "elasticsearch")]),
    rule("read-only", r"(?:database|db|server|table|replica) is (?:in )?read[- ]only|attempt to write a readonly database|in read-only mode|etcdserver: no leader"),
    // The schema is not what the client expects.
    rule("database-missing", r"database \x22(?P<database>[^\x22]+)\x22 does not exist").with(&[("product", "postgresql")]),
    rule("database-missing", r"Unknown database '(?P<database>[^']+)'").with(&[("product", "mysql")]),
    rule("role-missing", r"role \x22(?P<role>[^\x22]+)\x22 does not exist").with(&[("product", "postgresql")]),
    rule("role-missing", r"UserNotFound[^\n]{0,60}Could not find user \x22(?P<role>[^\x22]+)\x22 for db \x22(?P<database>[^\x22]+)\x22").with(&[("product", "mongodb"), ("side", "server")]),
    rule("schema-error", r"relation \x22(?P<table>[^\x22]+)\x22 does not exist|column \x22?(?P<field>[a-z0-9_.]+)\x22? (?:of relation \x22(?P<table2>[^\x22]+)\x22 )?does not exist|UndefinedTable|UndefinedColumn").with(&[("product", "postgresql")]),
    rule("schema-error", r"Table '(?P<table>[^']+)' doesn't exist|Unknown column '(?P<field>[^']+)' in").with(&[("product", "mysql")]).unless(r"gtid_executed"),
    rule("schema-error", r"no such (?:table|column): (?P<table>\S+)|index_not_found_exception|no such index \[(?P<table2>[^\]]+)\]|UNKNOWN_TOPIC_OR_PARTITION|UnknownTopicOrPartition|Topic (?P<name>\S+) not present in metadata|NOT_FOUND - no (?:queue|exchange) '(?P<name2>[^']+)'|ORA-00942|Invalid object name '(?P<table3>[^']+)'|NoSuchBucket|bucket [^\n]{0,60}does not exist|stream not found|Schema-validation: (?:missing|wrong)[^\n]{0,20} (?:table|column)[^\n]{0,40}\[(?P<table4>[^\]]+)\]"),
    // Migrations that the database has had and this version of the program does not know.
    rule("schema-newer", r"Can't locate revision identified by|Detected applied migration not resolved locally|migration (?P<name>\S+) was previously applied but is missing in the resolved migrations|no migration found for version [0-9]+|migration directory is corrupt, the following files are missing|migration \S+ is missing from the filesystem|migrations? (?:were|was|are|is) applied to the database but (?:is |are )?(?:missing from|not found in) the local"),
    rule("migration-failed", r"Migration(?:s)? [^\n]{0,80}failed|FlywayException|Flyway[^\n]{0,60}(?:failed|checksum mismatch)|Validate failed: Migration|Found non-empty schema|LiquibaseException|Could not acquire change log lock|Waiting for changelog lock|Dirty database version (?P<value>[0-9]+)|alembic\.util\.exc\.CommandError|pending migrations?|MigrationError|migration (?P<name>\S+) failed|P3009|P3018").rank(1)
        .unless(r"[0-9] pending migrations? (?:applied|found: 0)|no pending migration"),
    rule("permission-denied-db", r"permission denied for (?:table|schema|relation|sequence|database|view|function|language) (?P<name>\S+)|must be owner of|must be superuser|(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|INDEX|EXECUTE) command denied to user '(?P<user>[^']*)'|Access denied for user '(?P<user2>[^']*)'@'[^']*' to database '(?P<database>[^']+)'|not authorized on \S+ to execute|ORA-01031|permission was denied on the object"),
    rule("duplicate-key", r"duplicate key value violates unique constraint \x22(?P<name>[^\x22]+)\x22|Duplicate entry '[^\n]{1,120}' for key|E11000 duplicate key|UNIQUE constraint failed").rank(1),
    // A store out of memory, or not able to persist.
    rule("redis-oom", r"OOM command not allowed when used memory|reached maxmemory|used memory [^\n]{0,40}maxmemory[^\n]{0,40}(?:reject|noeviction)").with(&[("product", "redis")]),
    rule("persistence-failed", r"\bMISCONF\b |Can't save in background: fork|Background saving error|stop-writes-on-bgsave-error|Failed opening the (?:temp )?RDB file|Write error saving DB on disk|Error writing to the AOF file|Asynchronous AOF fsync is taking too long").with(&[("product", "redis")])
        // That says why: `disk-full`.
        .unless(r"no space left on device|disk quota exceeded"),
    rule("broker-alarm", r"(?:memory|disk) (?:resource limit|free space) alarm set|(?:memory|disk) resource limit alarm set on node|Publishers will be blocked until this alarm clears|free disk space is insufficient|connection\.blocked|ConnectionBlocked(?:Timeout|Error|Exception)?\b|(?:connection|publish(?:er|ing)?) (?:is |was )?blocked by (?:the )?(?:broker|server)|blocked by (?:the )?broker|low on (?:memory|disk)[^\n]{0,20}(?:blocked|alarm)").any().with(&[("product", "rabbitmq")]),
    rule("broker-partitioned", r"Mnesia\([^)]*\): \*\* ERROR \*\* mnesia_event got \{inconsistent_database|partitioned network|running_partitioned_network|Network partition detected|pause_minority mode[^\n]{0,60}(?:stopping|awaiting)").any().with(&[("product", "rabbitmq")]),
    Rule::new("poison-message", "dependency", r"(?:RecordDeserializationException: )?Error deserializing (?:key/value|VALUE|KEY) for partition (?P<name>[a-z0-9._-]+)(?: at offset (?P<value>[0-9]+))?|please seek past the record to continue consumption|RecordDeserializationException|(?:failed|unable|could not) to (?:deserialize|decode|unmarshal|parse) (?:the )?(?:message|record|event)[^\n]{0,60}\b(?:offset|partition|delivery)|poison (?:pill|message)"),
    rule("loading-dataset", r"LOADING (?:Redis|Valkey)? ?is loading the dataset|the database system is (?:starting up|in recovery mode|shutting down|not yet accepting connections)|LOADING dataset in memory"),
    // Data that another version wrote.
    rule("version-incompatible", r"data(?:base)? (?:files|directory) (?:are|is|was) (?:not )?(?:incompatible|initialized by|compatible)|(?:was )?initialized by PostgreSQL version (?P<value>[0-9.]+), which is not compatible with this version (?P<wanted>[0-9.]+)|wire version|Cannot boot server version (?P<wanted2>[0-9]+) on data directory built by version (?P<value2>[0-9]+)|Invalid featureCompatibilityVersion|Can't handle RDB format version (?P<value3>[0-9]+)|unsupported server version|requires server version|Upgrade is not supported after a crash|Unsupported redo log format|downgrad(?:e|ing)[^\n]{0,40}(?:not supported|unsupported|from)|Cannot upgrade from|cannot downgrade|version mismatch|incompatible (?:version|with (?:server|client))|server version [^\n]{0,30} (?:is too old|not supported)|protocol version [^\n]{0,30}(?:not supported|mismatch)|Client does not support authentication protocol|Authentication plugin '(?P<name>[^']+)' (?:is not supported|cannot be loaded)|unsupported (?:frame|file|format) version|created by a newer version|UnsupportedVersionException|index format version").any()
        // Drivers of devices and libraries are no database.
        .unless(r"no version mismatch|\bNVML\b|nvidia|\bCUDA\b|driver/library|kernel module|image version|plugin version|chart version"),
    // Two sessions in each other's way.
    rule("lock-timeout", r"Lock wait timeout exceeded|canceling statement due to lock timeout|could not obtain lock on|LockTimeoutException|CannotAcquireLockException|ORA-00054|database is locked|SQLITE_BUSY|lock wait (?:timeout|>) ?(?P<ms>[0-9]*)|waiting (?:for|on) (?:the |a )?(?:table |row |advisory |metadata |exclusive )?lock\b|still waiting for (?:\w+ )?lock|LockNotAvailable|could not acquire (?:the )?lock|failed to acquire lock|lock (?:is )?held by|unable to lock (?:the )?(?:data|index|database)|lock file \x22?(?P<path>[^\x22\s]+)\x22? already exists|state lock").any()
        .unless(r"leader|lease"),
    rule("database-deadlock", r"Deadlock found when trying to get lock|deadlock detected|DeadlockLoserDataAccessException|ORA-00060|was deadlocked on lock resources|could not serialize access"),
    rule("statement-timeout", r"canceling statement due to (?:statement timeout|user request)|Query execution was interrupted, maximum statement execution time|MaxTimeMSExpired|operation exceeded time limit|statement timeout"),
    rule("replication-broken", r"replication (?:slot|lag|error|broken|stopped)[^\n]{0,80}(?:does not exist|exceed|too|fail|error)|Slave (?:SQL|I/O)[^\n]{0,60}(?:error|stopped)|requested WAL segment \S+ has already been removed|Master does not support|group replication [^\n]{0,60}(?:error|fail|left)|cluster_name mismatch|request cluster ID mismatch|member [0-9a-f]+ has already been bootstrapped|under-?replicated|split.?brain|master_not_discovered|master not discovered").rank(1),
    rule("store-rejected", r"Data too long for column '(?P<field>[^']+)'|Incorrect (?:string|integer|datetime) value|violates (?:foreign key|check|not-null) constraint \x22?(?P<name>[a-z0-9_]+)|null value in column \x22(?P<field2>[^\x22]+)\x22|record too large|RecordTooLargeException|MESSAGE_TOO_LARGE|PRECONDITION_FAILED - (?P<message>[^\n]{1,120})|inequivalent arg '(?P<name2>[^']+)'").rank(1),
];

/// A caller's word; the store's own line is `disk-full`.
const fn full(pattern: &'static str) -> Rule {
    rule("store-full", pattern)
}

const fn rule(id: &'static str, pattern: &'static str) -> Rule {
    Rule::new(id, "dependency", pattern).peer()
}

const fn refused(pattern: &'static str) -> Rule {
    Rule::new("credentials-rejected", "dependency", pattern).any().peer()
}

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet};

    #[test]
    fn credentials() {
        each(&[
            (
                "2026-11-24T03:31:53Z ERROR Access denied for user 'app'@'10.0.0.3' (using password: YES)",
                "credentials-rejected user=app product=mysql",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [71] FATAL:  password authentication failed for user \"app\"",
                "credentials-rejected user=app product=postgresql",
            ),
            ("MongoServerError: Authentication failed.", "credentials-rejected product=mongodb"),
            (
                "ReplyError: WRONGPASS invalid username-password pair or user is disabled.",
                "credentials-rejected product=redis",
            ),
            (
                "Error: Channel closed: 403 (ACCESS-REFUSED) with message \"ACCESS_REFUSED - Login was refused\"",
                "credentials-rejected product=rabbitmq",
            ),
            (
                "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed: Invalid username or password",
                "credentials-rejected product=kafka",
            ),
            (
                "2026-11-24T03:31:53.1Z 7 [Note] Access denied for user 'app'@'10.0.0.3' (using password: YES)",
                "credentials-rejected side=server user=app",
            ),
        ]);
    }

    #[test]
    fn limits_and_read_only() {
        each(&[
            (
                "2026-11-24T03:31:53Z ERROR (1040, 'Too many connections')",
                "too-many-connections product=mysql",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [71] FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
                "too-many-connections product=postgresql",
            ),
            ("ReplyError: ERR max number of clients reached", "too-many-connections product=redis"),
            (
                "2026-11-24T03:31:53Z ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms.",
                "pool-exhausted ms=30000",
            ),
            (
                "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
                "pool-exhausted",
            ),
            (
                "2026-11-24T03:31:53Z ERROR The MySQL server is running with the --super-read-only option so it cannot execute this statement",
                "read-only name=super-read-only",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [71] ERROR:  cannot execute INSERT in a read-only transaction",
                "read-only verb=INSERT",
            ),
            ("ReplyError: READONLY You can't write against a read only replica.", "read-only product=redis"),
            ("ReplyError: OOM command not allowed when used memory > 'maxmemory'.", "redis-oom"),
            (
                "ReplyError: MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
                "persistence-failed",
            ),
        ]);
    }

    #[test]
    fn brokers() {
        each(&[
            (
                "2026-11-24 03:31:53.120 [warning] <0.400.0> memory resource limit alarm set on node rabbit@mq-0.",
                "broker-alarm product=rabbitmq",
            ),
            (
                "2026-11-24 03:31:53.120 [error] <0.300.0> Mnesia('rabbit@mq-0'): ** ERROR ** mnesia_event got {inconsistent_database, running_partitioned_network, 'rabbit@mq-1'}",
                "broker-partitioned product=rabbitmq",
            ),
            (
                "org.apache.kafka.common.errors.RecordDeserializationException: Error deserializing VALUE for partition orders-3 at offset 18231. If needed, please seek past the record to continue consumption.",
                "poison-message name=orders-3 value=18231",
            ),
        ]);
    }

    #[test]
    fn schema_version_and_locks() {
        each(&[
            (
                "2026-11-24 03:31:53.120 UTC [71] FATAL:  database \"shop\" does not exist",
                "database-missing database=shop",
            ),
            ("2026-11-24 03:31:53.120 UTC [71] FATAL:  role \"app\" does not exist", "role-missing role=app"),
            (
                "2026-11-24 03:31:53.120 UTC [71] ERROR:  relation \"orders\" does not exist at character 15",
                "schema-error table=orders",
            ),
            (
                "ERROR [alembic.util.messaging] Can't locate revision identified by '9c1f0b7d2e44'",
                "schema-newer",
            ),
            (
                "2026-11-24T03:31:53Z ERROR Validate failed: Detected applied migration not resolved locally: 42.",
                "schema-newer",
            ),
            ("2026-11-24T03:31:53Z ERROR Unknown column 'tier' in 'field list'", "schema-error field=tier"),
            (
                "2026-11-24 03:31:53.120 UTC [1] FATAL:  database files are incompatible with server\n2026-11-24 03:31:53.120 UTC [1] DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 17.2.",
                "version-incompatible",
            ),
            (
                "2026-11-24T03:31:53Z ERROR Lock wait timeout exceeded; try restarting transaction",
                "lock-timeout",
            ),
            ("2026-11-24 03:31:53.120 UTC [71] ERROR:  deadlock detected", "database-deadlock"),
            (
                "2026-11-24 03:31:53.120 UTC [71] ERROR:  permission denied for table orders",
                "permission-denied-db name=orders",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [71] FATAL:  the database system is starting up",
                "loading-dataset",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [71] ERROR:  canceling statement due to statement timeout",
                "statement-timeout",
            ),
        ]);
    }

    #[test]
    fn a_servers_health_checks_and_settings_are_quiet() {
        quiet(&[
            "2026-11-24T03:31:53Z WARN Username or password is incorrect. Try again. IP: 192.0.2.7. Username: jo",
            "2026-11-24T03:31:53.1Z 7 [Note] Access denied for user 'root'@'localhost' (using password: NO)",
            "2026-11-24T03:31:53Z INFO max_connections = 100, maxmemory 64mb",
            "1:M 24 Nov 2026 03:31:53.123 * Ready to accept connections tcp",
            "2026-11-24 03:31:53.120 UTC [71] LOG:  checkpoint complete: wrote 3 buffers (0.0%)",
            "2026-11-24T03:31:53Z INFO user alice logged in",
        ]);
    }

    #[test]
    fn full_stores_empty_pools_and_keys() {
        each(&[
            (
                "2026-11-23T20:25:55Z ERROR bulk failed: index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];",
                "store-full product=elasticsearch",
            ),
            (
                "2026-11-23T19:50:55Z WARN flood stage disk watermark [95%] exceeded on [J][es-1][/data] free: 3gb[4%], all indices on this node will be marked read-only",
                "disk-full",
            ),
            (
                "2026-11-23T20:00:00Z ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms (total=0, active=0, idle=0, waiting=3)",
                "connection-failed",
            ),
            (
                "2026-11-23T20:00:00Z ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms (total=10, active=10, idle=0, waiting=3)",
                "pool-exhausted",
            ),
            ("2026-11-23T20:00:00Z ERROR NVML: Driver/library version mismatch", "unknown-error"),
            (
                "2026-11-23T20:00:00Z ERROR org.apache.kafka.common.errors.NotEnoughReplicasException: Messages are rejected",
                "connection-failed product=kafka",
            ),
            (
                r#"{"t":{"$date":"2026-11-23T20:34:57.698Z"},"s":"E","c":"WT","msg":"WiredTiger error message","attr":{"error":28,"message":{"msg":"pwrite: failed","error_str":"No space left on device"}}}"#,
                "disk-full",
            ),
        ]);
        let key = crate::logs::scan::testing::told(
            "2026-11-23T20:00:00Z ERROR add item cart:300: ReplyError: OOM command not allowed when used memory > 'maxmemory'.",
        );
        assert_eq!(key, ["redis-oom product=redis"]);
    }
}
