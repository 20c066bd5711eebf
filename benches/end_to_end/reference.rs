//! What fetching alone takes, and fetching and parsing everything as a simple client would.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Node, Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::{List, ListableResource};
use reqwest::Client;
use serde::de::DeserializeOwned;

use crate::server::Asked;

/// The agent's own concurrency.
const CONCURRENCY: usize = 16;

/// The full lists.
pub(crate) struct Full {
    pub(crate) bytes: usize,
    pub(crate) fetch: Duration,
    pub(crate) parse: Duration,
}

/// Parses one list.
type Parse = fn(&[u8]);

fn parse<T: ListableResource + DeserializeOwned>(body: &[u8]) {
    let list: List<T> = serde_json::from_slice(body).unwrap();
    std::hint::black_box(list);
}

const LISTS: [(&str, Parse); 10] = [
    ("/api/v1/pods", parse::<Pod>),
    ("/api/v1/events", parse::<Event>),
    ("/api/v1/nodes", parse::<Node>),
    ("/api/v1/namespaces", parse::<Namespace>),
    ("/api/v1/services", parse::<Service>),
    ("/api/v1/configmaps", parse::<ConfigMap>),
    ("/api/v1/serviceaccounts", parse::<ServiceAccount>),
    ("/apis/apps/v1/deployments", parse::<Deployment>),
    ("/apis/apps/v1/replicasets", parse::<ReplicaSet>),
    ("/apis/discovery.k8s.io/v1/endpointslices", parse::<EndpointSlice>),
];

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

async fn get(client: &Client, url: String, accept: &str) -> Vec<u8> {
    let response = client.get(url).header("accept", accept).send().await.unwrap();
    response.bytes().await.unwrap().to_vec()
}

/// Fetches and parses every full list; the lists that the snapshot lacks are left out.
pub(crate) fn fetch_and_parse(url: &str) -> Full {
    block_on(async {
        let client = Client::builder().build().unwrap();
        let fetch = async |parsed: bool| {
            let bodies = stream::iter(LISTS).map(|(path, parse)| {
                let (client, url) = (client.clone(), format!("{url}{path}"));
                // A task each, so that parsing uses every core as well.
                tokio::spawn(async move {
                    let body = get(&client, url, "application/json").await;
                    if parsed
                        && body.starts_with(b"{")
                        && !body.starts_with(b"{\"apiVersion\":\"v1\",\"code\"")
                    {
                        parse(&body);
                    }
                    body.len()
                })
            });
            let started = Instant::now();
            let sizes: Vec<_> = bodies.buffer_unordered(CONCURRENCY).collect().await;
            (started.elapsed(), sizes.into_iter().map(Result::unwrap).sum::<usize>())
        };
        fetch(false).await;
        let (without, bytes) = fetch(false).await;
        let (with, _) = fetch(true).await;
        Full { bytes, fetch: without, parse: with }
    })
}

/// Fetches the same answers again, all at once.
pub(crate) fn replay(url: &str, requests: &[Asked]) -> Duration {
    block_on(async {
        let client = Client::builder().build().unwrap();
        let started = Instant::now();
        let answers = stream::iter(requests)
            .map(|(path, accept)| get(&client, format!("{url}{path}"), accept))
            .buffer_unordered(CONCURRENCY);
        answers.for_each(|body| async move { drop(std::hint::black_box(body)) }).await;
        started.elapsed()
    })
}
