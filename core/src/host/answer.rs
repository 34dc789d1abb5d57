//! One request of a guest's: from what it asks to the answer as it is written.
//!
//! No answer is longer than a guest reads: lists are cut, and what can't be cut is refused. It is measured while it is written, not after.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use altair_protocol::rpc::{self, Code, Fault, FaultData, Grant, Request, RequestId, Success};
use futures::FutureExt as _;
use serde::Serialize;
use tokio::task::JoinSet;

use super::grants::{Narrow, narrow_conflicts};
use super::wire::at_most;
use crate::engine::{Act, Asked, Inner, OnProgress, closed, is_short, perform};
use crate::error::{Error, ErrorKind, Result};

/// No message or hint of a fault has more characters: some tell what was given.
const LONGEST: usize = 4096;

/// What a guest asks, and what its answer has to keep to.
pub(crate) struct Question {
    pub(crate) id: RequestId,
    pub(crate) request: Request,
    pub(crate) asked: Option<Asked>,
    pub(crate) progress: Option<OnProgress>,
    /// What the answer may tell of; `None` is everything.
    pub(crate) grant: Option<Grant>,
    /// How many bytes the answer may have.
    pub(crate) most: usize,
}

/// Does what a guest asks of the engine, and gives the answer as it is written. What is short is done where this is called, on the database's thread; what
/// isn't on the engine's own. Given up, that is given up too.
pub(crate) async fn answer(inner: Arc<Inner>, question: Question) -> Result<Vec<u8>, Fault> {
    let doing = if is_short(&question.request) {
        AssertUnwindSafe(dispatch(inner, question)).catch_unwind().await.map_err(|_| stopped())
    } else {
        // Ends what is in it when it is dropped.
        let mut elsewhere = JoinSet::new();
        let handle = inner.handle().map_err(|error| fault(&error))?;
        elsewhere.spawn_on(dispatch(inner, question), &handle);
        match elsewhere.join_next().await {
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) if error.is_panic() => Err(stopped()),
            _ => Err(closed()),
        }
    };
    doing.and_then(|done| done).map_err(|error| fault(&error))
}

fn stopped() -> Error {
    Error::corrupt("the engine stopped in the middle of this, most likely over damaged data")
}

async fn dispatch(inner: Arc<Inner>, question: Question) -> Result<Vec<u8>> {
    let Question { id, request, asked, progress, grant, most } = question;
    let (id, grant) = (&id, grant.as_ref());
    macro_rules! each {
        ($request:expr, plain: $($plain:ident)*; narrowed: $($narrowed:ident)*;) => {
            match $request {
                Request::ListEntities(call) => Box::pin(page(inner, id, call, |call| &mut call.limit, grant, most)).await,
                Request::History(call) => Box::pin(page(inner, id, call, |call| &mut call.limit, grant, most)).await,
                Request::Find(call) => {
                    let text = call.text.clone();
                    let found = Box::pin(perform(Arc::clone(&inner), call, asked, progress)).await?;
                    if let Some(grant) = grant && !grant.covers(inner.require(found).await?.kind) {
                        return Err(Error::not_found(format_args!("entity {text}")));
                    }
                    written(id, &found, most)?.ok_or_else(too_long)
                }
                Request::Conflicts(call) => {
                    let mut conflicts = Box::pin(perform(Arc::clone(&inner), call, asked, progress)).await?;
                    if let Some(grant) = grant {
                        narrow_conflicts(&inner, grant, &mut conflicts).await?;
                    }
                    written(id, &conflicts, most)?.ok_or_else(too_long)
                }
                // Each as large as it is, not all as large as the largest.
                $(Request::$narrowed(call) => {
                    let mut answer = Box::pin(perform(inner, call, asked, progress)).await?;
                    if let Some(grant) = grant {
                        answer.narrow(grant);
                    }
                    written(id, &answer, most)?.ok_or_else(too_long)
                })*
                $(Request::$plain(call) => {
                    let answer = Box::pin(perform(inner, call, asked, progress)).await?;
                    written(id, &answer, most)?.ok_or_else(too_long)
                })*
            }
        };
    }
    each! {
        request,
        // Of one entity, which was checked before, or of nothing that anybody wrote.
        plain: Get AttachmentOf StoreStatus
            Capture Create Triage EditEntity Count Tag Link Unlink Attach Detach Delete Restore Erase Revert Undo Redo Resolve
            Purge Apply Import Export Backup FillFromBackup Doctor AcceptLoss;
        narrowed: Show SearchEntities EventsAfter ChangesAfter;
    }
}

/// A page that fits a message: where its things are long it has fewer of them, and its `next` goes on from there.
async fn page<C: Act<Answer: Narrow> + Clone>(
    inner: Arc<Inner>,
    id: &RequestId,
    mut call: C,
    limit: fn(&mut C) -> &mut usize,
    grant: Option<&Grant>,
    most: usize,
) -> Result<Vec<u8>> {
    loop {
        let mut answer = perform(Arc::clone(&inner), call.clone(), None, None).await?;
        if let Some(grant) = grant {
            answer.narrow(grant);
        }
        let limit = limit(&mut call);
        let fits = if *limit > 1 { most.min(rpc::MAX_FRAME) } else { most };
        match written(id, &answer, fits)? {
            Some(answer) => return Ok(answer),
            None if *limit > 1 => *limit = limit.div_ceil(4),
            None => return Err(too_long()),
        }
    }
}

/// A good answer as it is written; `None` when it is longer than it may be.
fn written<T: Serialize>(id: &RequestId, result: &T, most: usize) -> Result<Option<Vec<u8>>> {
    let written = at_most(&Success::new(id, result), most);
    written.map_err(|error| Error::internal("an answer can't be written as JSON").because(error))
}

fn too_long() -> Error {
    Error::refused(
        format!("the answer is too long for one message, which has at most {} bytes", rpc::MAX_ANSWER),
        "ask for less: a smaller limit, one thing at a time, or fewer requests in a batch",
    )
}

/// A good answer of the connection's own, which is short.
pub(crate) fn success<T: Serialize>(id: &RequestId, result: &T) -> Result<Vec<u8>, Fault> {
    written(id, result, rpc::MAX_ANSWER).and_then(|answer| answer.ok_or_else(too_long)).map_err(|error| fault(&error))
}

/// A bad answer as it is written; its id is null where none could be read.
pub(crate) fn failure(id: Option<&RequestId>, mut error: Fault) -> Vec<u8> {
    #[derive(Serialize)]
    struct Failed<'a> {
        jsonrpc: &'static str,
        id: Option<&'a RequestId>,
        error: Fault,
    }
    shorten(&mut error.message);
    if let Some(data) = &mut error.data {
        shorten(&mut data.hint);
    }
    // There is nothing in it that JSON can't say.
    serde_json::to_vec(&Failed { jsonrpc: "2.0", id, error }).unwrap_or_default()
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
}

/// An error of the engine's on the wire.
pub(crate) fn fault(error: &Error) -> Fault {
    let code = if error.kind() == ErrorKind::Closed { Code::CLOSING } else { Code::ENGINE };
    let data = FaultData { kind: error.kind(), hint: error.hint().to_owned() };
    Fault { code, message: error.message().to_owned(), data: Some(data) }
}
