//! The `sre-orch` binary.

fn main() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut args = std::env::args().skip(2);
    let (mut bundle, mut ns, mut desc) = (String::new(), Vec::new(), String::new());
    while let Some(a) = args.next() {
        match a.as_str() {
            "--bundle" => bundle = args.next().unwrap_or_default(),
            "-o" => {
                args.next();
            }
            "-n" => ns.push(args.next().unwrap_or_default()),
            d => desc = d.to_owned(),
        }
    }
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    #[allow(clippy::unwrap_used)]
    let rt = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    rt.block_on(async {
        let source = sre_orch::agent::Source::snapshot(std::path::Path::new(&bundle)).unwrap();
        let graph = sre_orch::knowledge::Graph::bundled().unwrap();
        let request = sre_orch::pipeline::Request {
            description: desc,
            namespaces: ns,
            since: jiff::SignedDuration::from_hours(1),
            limits: Default::default(),
            hygiene: false,
        };
        let report = sre_orch::pipeline::investigate(source, &graph, &request, &sre_orch::pipeline::Silent)
            .await
            .unwrap();
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    });
}
