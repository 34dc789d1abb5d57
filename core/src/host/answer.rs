//! One request of a guest's: from its line to the answer's.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use altair_protocol::rpc::{self, Code, Fault, FaultData, Request};
use futures::FutureExt as _;

use crate::engine::{Act, Asked, Inner, OnProgress, perform};
use crate::error::{Error, ErrorKind, Result};

/// Does what a guest asks of the engine, and gives the answer as JSON.
pub(crate) async fn answer(
    inner: Arc<Inner>,
    request: Request,
    asked: Option<Asked>,
    progress: Option<OnProgress>,
) -> Result<String, Fault> {
    let doing = AssertUnwindSafe(dispatch(inner, request, asked, progress)).catch_unwind();
    let done = doing.await.unwrap_or_else(|_| {
        Err(Error::corrupt("the engine stopped in the middle of this, most likely over damaged data"))
    });
    done.map_err(|error| fault(&error))
}

async fn dispatch(
    inner: Arc<Inner>,
    request: Request,
    asked: Option<Asked>,
    progress: Option<OnProgress>,
) -> Result<String> {
    macro_rules! each {
        ($request:expr, $($call:ident)*) => {
            match $request {
                Request::ListEntities(call) => page(inner, call, |call| &mut call.limit).await,
                Request::History(call) => page(inner, call, |call| &mut call.limit).await,
                $(Request::$call(call) => one(inner, call, asked, progress).await),*
            }
        };
    }
    each! {
        request,
        Find Get Show SearchEntities Conflicts AttachmentOf StoreStatus EventsAfter ChangesAfter
        Capture Create Triage EditEntity Count Tag Link Unlink Attach Detach Delete Restore Erase Revert Undo Redo Resolve
        Purge Apply Import Export Backup FillFromBackup Doctor AcceptLoss
    }
}

async fn one<C: Act>(inner: Arc<Inner>, call: C, asked: Option<Asked>, progress: Option<OnProgress>) -> Result<String> {
    let answer = perform(inner, call, asked, progress).await?;
    let json = serde_json::to_string(&answer);
    json.map_err(|error| Error::internal("an answer can't be written as JSON").because(error))
}

/// A page that fits a message: where its things are long it has fewer of them, and its `next` goes on from there.
async fn page<C: Act + Clone>(inner: Arc<Inner>, mut call: C, limit: fn(&mut C) -> &mut usize) -> Result<String> {
    loop {
        let json = one(Arc::clone(&inner), call.clone(), None, None).await?;
        let limit = limit(&mut call);
        if json.len() <= rpc::MAX_FRAME || *limit <= 1 {
            return Ok(json);
        }
        *limit = limit.div_ceil(4);
    }
}

/// An error of the engine's on the wire.
pub(crate) fn fault(error: &Error) -> Fault {
    let code = if error.kind() == ErrorKind::Closed { Code::CLOSING } else { Code::ENGINE };
    let data = FaultData { kind: error.kind(), hint: error.hint().to_owned() };
    Fault { code, message: error.message().to_owned(), data: Some(data) }
}
