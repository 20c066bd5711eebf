//! Things that run out or are in the way: disk, memory, descriptors, processes, ports, files.

use super::{Rule, Scope};

/// What a server answered is about its own disk.
macro_rules! answered {
    () => {
        r"(?:server returned|HTTP status|status code|response code|responded with)[^\n]{0,40}\b5[0-9]{2}\b|\b507 insufficient storage|XMinioStorageFull|Storage backend has reached its minimum free|rpc error: code = [a-z]+ desc = "
    };
}

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::new("disk-full", "resource", r"(?:open|write|mkdir|creat|fopen|rename|copy|pwrite|ftruncate)[^\n]{0,40}? ['\x22]?(?P<path>/[^\s'\x22:]+)['\x22]?: no space left on device|(?:could not (?:write|extend|create)|cannot (?:create|write))[^\n]{0,30} file \x22(?P<path2>[^\x22]+)\x22: no space left|no space left on device: ['\x22](?P<path3>[^'\x22]+)['\x22]|\bENOSPC\b[^\n]{0,60}'(?P<path4>/[^']+)'|(?P<path5>/[^\s'\x22:]+): no space left on device").any().unless(answered!()),
    Rule::new("disk-full", "resource", r"no space left on device|\bENOSPC\b|disk (?:is )?full|not enough (?:free )?(?:disk )?space|insufficient (?:disk|storage) space|out of disk space|disk quota exceeded|\bEDQUOT\b|database or disk is full|(?:disk|low) free space alarm|disk_free_limit|errno: 28|Errcode: 28\b|flood[- ]stage disk watermark|StorageFull|reached its minimum free (?:drive|disk) threshold|\(os error 28\)").any()
        .unless(concat!(answered!(), r"|inotify|watch|not exceeded|flood[- ]stage watermark, index has|FORBIDDEN/12|TOO_MANY_REQUESTS/12")),
    Rule::new("inotify-limit", "resource", r"(?:inotify|file watch(?:er|es)?)[^\n]{0,60}(?:limit|no space left|too many)|too many open files[^\n]{0,30}inotify|fs\.inotify"),
    Rule::new("read-only-filesystem", "resource", r"(?:open|mkdir|create|write|touch|remove|chown|chmod|can't create|cannot create[^/]{0,30}|creat|fopen|rename|unlink|mktemp)[^/\n]{0,30}['\x22]?(?P<path>/[^\s'\x22:]+)['\x22]?:? ?[^\n]{0,20}read-only file ?system|\bEROFS\b[^\n]{0,60}'(?P<path2>/[^']+)'|read-only file system: '(?P<path3>[^']+)'|(?P<path4>/[^\s'\x22:]+)['\x22]?: read-only file system"),
    Rule::new("read-only-filesystem", "resource", r"read-only file ?system|\bEROFS\b|\(os error 30\)"),
    Rule::new("io-error", "resource", r"input/output error|\bEIO\b|stale (?:NFS )?file handle|\bESTALE\b|transport endpoint is not connected|structure needs cleaning|Remote I/O error|could not (?:fsync|read block|write block)|I/O error (?:on|while|reading|writing)(?: device| file| block)|Buffer I/O error").unless(r"I/O error on (?:GET|POST|PUT|DELETE|PATCH) request"),
    Rule::new("data-corrupted", "resource", r"invalid (?:page|checkpoint|record length)|could not locate a valid checkpoint record|checksum mismatch|data(?:base)? (?:is |page |file )?(?:corrupt|damaged)|corrupt(?:ed|ion) (?:detected|in|database|index|page|file|log|data)|database disk image is malformed|Bad file format reading the append only file|Unexpected end of file reading the append only file|InnoDB: [^\n]{0,60}corrupt|is corrupt|CorruptIndexException|CorruptRecordException|WiredTiger error|found corrupt|invalid magic number|bad magic|short read|wal: crc mismatch|snap: [^\n]{0,40}crc mismatch|translog corrupted|unexpected pageaddr|CRC mismatch").unless(r"Flyway|[Mm]igration|not corrupt|no corrupt"),
    Rule::new("too-many-open-files", "resource", r"too many open files|\bEMFILE\b|\bENFILE\b|file table overflow|accept4?\(\) failed \(24|\(os error 24\)|No file descriptors available").any(),
    Rule::new("cannot-fork", "resource", r"can't start new thread|unable to create (?:new )?native thread|cannot fork|fork: (?:retry: )?(?:resource temporarily|cannot allocate)|failed to create new OS thread|pthread_create (?:failed|has failed)|newosproc|could not fork|fork failed|Cannot create worker thread|spawn [^\n]{0,80} EAGAIN|uv_thread_create|Resource temporarily unavailable \(EAGAIN\) \(fork|pids? (?:cgroup )?limit").any(),
    Rule::new("cannot-fork", "resource", r"resource temporarily unavailable").rank(2).scope(Scope::Errors),
    // What the API server refuses to a program that creates objects itself.
    Rule::new("quota-refused", "resource", r"(?P<message>exceeded quota: [^,\n]+, requested: [^ \n]+, used: [^ \n]+, limited: [^\s\x22'\\]+)"),
    // Memory.
    Rule::new("heap-exhausted", "resource", r"OutOfMemoryError: (?P<reason>[^\n]{1,80})").with(&[("product", "java")]).any().unless("-XX:|unable to create (?:new )?native thread"),
    Rule::new("heap-exhausted", "resource", r"JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts near heap limit").with(&[("product", "node")]),
    Rule::new("heap-exhausted", "resource", r"java\.lang\.OutOfMemoryError|Terminating due to java\.lang\.OutOfMemoryError|There is insufficient memory for the Java Runtime|GC overhead limit exceeded").with(&[("product", "java")]).unless("-XX:"),
    Rule::new("heap-exhausted", "resource", r"\bMemoryError\b|numpy\.core\._exceptions\._ArrayMemoryError|Unable to allocate [0-9.]+ [KMGT]iB").with(&[("product", "python")]),
    Rule::new("heap-exhausted", "resource", r"Allowed memory size of (?P<value>[0-9]+) bytes exhausted").with(&[("product", "php")]),
    Rule::new("heap-exhausted", "resource", r"runtime: out of memory|fatal error: out of memory|cannot allocate memory|std::bad_alloc|OutOfMemoryException|memory allocation of [0-9]+ bytes failed|\bENOMEM\b|failed to allocate memory|NoMemoryError|CUDA out of memory|out of memory\b|could not (?:map anonymous )?shared memory segment|circuit_breaking_exception|vm\.memory\.high_watermark|memory resource limit alarm")
        .unless(r"no out of memory|OOM command|perhaps out of memory|was sent SIGKILL"),
    Rule::new("memory-pressure", "resource", r"(?:memory (?:usage|pressure|high|limit)|heap usage|rss)[^\n]{0,60}(?:exceed|above|over|near|critical|reached|[89][0-9] ?%)|approaching (?:the )?memory limit").rank(2),
    // Ports and addresses.
    Rule::new("address-in-use", "resource", r"(?:EADDRINUSE[^\n]{0,60}?|bind[^\n]{0,60}?|listen[^\n]{0,60}?|address |to )(?:\[?[0-9a-f:.]*\]?|\*)?:(?P<port>[0-9]{2,5})\b[^\n]{0,60}(?:already in use|in use)|EADDRINUSE[^\n]{0,30}:(?P<port2>[0-9]{2,5})|port (?P<port3>[0-9]{2,5}) (?:was |is )?(?:already )?(?:in use|allocated|taken|occupied)|\('[^']*', (?P<port4>[0-9]+)\)[^\n]{0,30}address already in use|connection in use: \('[^']*', (?P<port5>[0-9]+)\)|bind\(\) to \S+?:(?P<port6>[0-9]+) failed \(98|Failed to bind to \S*?:(?P<port7>[0-9]+)|cannot bind socket[^\n]{0,60}\[\S*:(?P<port8>[0-9]+)\]").any(),
    Rule::new("address-in-use", "resource", r"address already in use|EADDRINUSE|address in use|only one usage of each socket address|\(os error 98\)|port already in use|could not bind (?:IPv[46] address|socket)[^\n]{0,60}in use").any(),
    Rule::new("cannot-assign-address", "resource", r"cannot assign requested address|\bEADDRNOTAVAIL\b|can't assign requested address|address not available|\(os error 99\)").peer(),
    Rule::new("address-exhausted", "resource", r"(?:no (?:free|available) (?:ports?|IP addresses)|ephemeral ports? exhausted|nf_conntrack: table full)"),
];

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet};

    #[test]
    fn disks_files_and_memory() {
        each(&[
            (
                "2026-11-24T03:31:53Z ERROR write /data/wal/0001: no space left on device",
                "disk-full path=/data/wal/0001",
            ),
            (
                "OSError: [Errno 28] No space left on device: '/scratch/a.tif'",
                "disk-full path=/scratch/a.tif",
            ),
            ("Error: Storage reached its minimum free drive threshold. (cmd.StorageFull)", "disk-full"),
            (
                "Error: ENOSPC: no space left on device, open '/var/log/app.log'",
                "disk-full path=/var/log/app.log",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [71] PANIC:  could not write to file \"pg_wal/xlogtemp.7\": No space left on device",
                "disk-full",
            ),
            (
                "OSError: [Errno 30] Read-only file system: '/var/cache/x'",
                "read-only-filesystem path=/var/cache/x",
            ),
            ("touch: /app/pid: Read-only file system", "read-only-filesystem path=/app/pid"),
            ("Error: EROFS: read-only file system, mkdir '/app/tmp'", "read-only-filesystem path=/app/tmp"),
            (
                "2026-11-24T03:31:53Z ERROR accept tcp [::]:80: accept4: too many open files",
                "too-many-open-files",
            ),
            (
                "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory",
                "cannot-fork",
            ),
            ("RuntimeError: can't start new thread", "cannot-fork"),
            (
                "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space",
                "heap-exhausted product=java",
            ),
            (
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
                "heap-exhausted product=node",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nMemoryError",
                "heap-exhausted product=python",
            ),
            (
                "2026-11-24 03:31:53.120 UTC [1] PANIC:  could not locate a valid checkpoint record",
                "data-corrupted",
            ),
        ]);
    }

    #[test]
    fn ports() {
        each(&[
            (
                "2026-11-24T03:31:53Z FATAL listen tcp :8080: bind: address already in use",
                "address-in-use port=8080",
            ),
            ("Error: listen EADDRINUSE: address already in use :::3000", "address-in-use port=3000"),
            ("Web server failed to start. Port 8080 was already in use.", "address-in-use port=8080"),
            (
                "2026/11/24 03:31:53 [emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address already in use)",
                "address-in-use port=80",
            ),
            ("OSError: [Errno 98] Address already in use", "address-in-use"),
            (
                "2026-11-24T03:31:53Z FATAL listen tcp 10.0.0.1:80: bind: cannot assign requested address",
                "cannot-assign-address",
            ),
            (
                "error sending batch: server returned HTTP status 507 (507): write /data/wal/01: no space left on device",
                "store-full",
            ),
        ]);
    }

    #[test]
    fn mentions_are_quiet() {
        quiet(&[
            "2026-11-24T03:31:53Z INFO disk usage 40%, memory limit 512Mi",
            "+ JAVA_OPT=' -Xms1g -XX:+HeapDumpOnOutOfMemoryError'",
            "2026-11-24T03:31:53Z INFO opened file /var/lib/x in read mode",
        ]);
    }

    #[test]
    fn what_an_entrypoint_leaves_alone_is_no_fault() {
        quiet(&[
            "10-listen-on-ipv6.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)",
        ]);
    }
}
