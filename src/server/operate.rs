//! What operators do: to its end, and with an entry in the log before it is answered.

use serde_json::Value;
use tracing::Instrument as _;

use super::{Server, Shared};
use crate::api::problem::{Answer, Problem, kinds};
use crate::logging::outside;
use crate::tokens::{Access, Actor, Draft, LogError};

/// Something that an operator does, for the log.
pub struct Action {
    /// Its name, as `peers.ban`.
    pub name: &'static str,
    pub parameters: Value,
}

impl Server {
    /// Does what an operator's request asks for, and writes it to the log, with what came of it, before the request is answered. It is
    /// done to its end where the client goes away meanwhile: nobody acts without an entry by hanging up.
    pub async fn operate<T: Send + 'static>(
        self: &Shared,
        actor: &Actor,
        action: Action,
        work: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        let server = self.clone();
        let mut draft = Draft::by(actor, action.name, action.parameters);
        let done = async move {
            server.log(|access| access.log().ready()).await.map_err(|problem| {
                problem.with_detail("nothing was done: the log of operator actions cannot be written")
            })?;
            let answer = work.await;
            if let Err(problem) = &answer {
                draft.outcome = problem.kind.name;
            }
            tracing::info!(
                actor = draft.actor.id,
                action = draft.action,
                parameters = outside(&draft.parameters.to_string()),
                outcome = draft.outcome,
                "operator action"
            );
            server
                .log(move |access| {
                    draft.time = access.now();
                    access.log().append(draft).map(drop)
                })
                .await
                .map_err(|problem| {
                    problem.with_detail(
                        "what was asked for is done, and could not be written to the log of operator actions",
                    )
                })?;
            answer
        };
        let done = tokio::spawn(done.instrument(tracing::Span::current())).await;
        done.unwrap_or_else(|error| Err(Problem::internal(error)))
    }

    /// Uses the log of operator actions beside the server's own threads.
    pub async fn log<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Access) -> Result<T, LogError> + Send + 'static,
    ) -> Answer<T> {
        self.with_access(move |access| work(access).map_err(|error| log_failed(&error)))
            .await
    }

    /// Works with the tokens or the log beside the server's own threads: both wait for the disk. There are few such requests: each has
    /// shown a token.
    pub async fn with_access<T: Send + 'static>(
        self: &Shared,
        work: impl FnOnce(&Access) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let server = self.clone();
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || span.in_scope(|| work(&server.access))).await;
        done.unwrap_or_else(|error| Err(Problem::internal(error)))
    }
}

fn log_failed(error: &LogError) -> Problem {
    tracing::error!(%error, "the log of operator actions");
    Problem::new(
        &kinds::LOG_FAILED,
        "the log of operator actions cannot be read or written; the node's log has the cause under this request id",
    )
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::testing;
    use super::*;
    use crate::config::WebConfig;

    fn operator(server: &Server) -> Actor {
        let address = IpAddr::from([192, 0, 2, 1]);
        let actor = server
            .access
            .authorize("0123456789abcdef", address, crate::tokens::Scope::Peers);
        actor.expect("the operator's token")
    }

    #[tokio::test]
    async fn what_a_client_began_and_hung_up_on_is_done_and_logged() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let actor = operator(&server);
        let action = Action {
            name: "peers.add",
            parameters: Value::Null,
        };
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (go_on, wait) = tokio::sync::oneshot::channel();
        let mut request = Box::pin(server.operate(&actor, action, async move {
            let _ = begin.send(());
            wait.await.map_err(Problem::internal)
        }));
        tokio::select! {
            _ = &mut request => panic!("it waits"),
            begun = begun => begun.expect("the work has begun"),
        }
        drop(request);
        go_on.send(()).expect("the work goes on");
        while server.access.log().head().is_none() {
            tokio::task::yield_now().await;
        }
        let page = server.access.log().page(u64::MAX, 10).expect("reads");
        let found: Vec<_> = page
            .iter()
            .map(|entry| (entry.action.as_str(), entry.outcome.as_str()))
            .collect();
        assert_eq!(found, [("peers.add", "done")]);
        server.node.close().expect("a store in order");
    }

    #[tokio::test]
    async fn nothing_is_done_where_no_entry_can_be_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = testing::server(folder.path(), WebConfig::default());
        let actor = operator(&server);
        let ran = Arc::new(AtomicBool::new(false));
        let done = |name: &'static str| {
            let action = Action {
                name,
                parameters: Value::Null,
            };
            let ran = ran.clone();
            let work = async move {
                ran.store(true, Ordering::Relaxed);
                Ok(())
            };
            server.operate(&actor, action, work)
        };
        // The folder of the log is gone.
        let log = folder.path().join("operator-log");
        std::fs::remove_dir(&log).expect("empty so far");
        let problem = done("peers.add").await.expect_err("no entry");
        assert_eq!(problem.kind, &kinds::LOG_FAILED);
        assert!(!ran.load(Ordering::Relaxed), "nothing was done");
        std::fs::create_dir(&log).expect("ours");
        assert_eq!(done("peers.remove").await, Ok(()));
        assert_eq!(server.access.log().head().map(|head| head.sequence), Some(1));
        server.node.close().expect("a store in order");
    }
}
