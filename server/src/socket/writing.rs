//! What goes to a device: answers, and the log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use altair_core::Result;
use altair_protocol::sync::{Ack, Acked, CloseCode, Pong, ServerFrame, SyncId};
use altair_protocol::view::Time;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures::stream::{FuturesOrdered, SplitSink};
use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;

use super::feed::{Feed, Next};
use super::reading::{Say, Waiting, failed};
use super::{Ending, Visit, send};
use crate::household::Answer;

/// What came of a push.
struct Answered {
    answers: Option<Result<Vec<Answer>>>,
    waiting: Waiting,
}

type Answering = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// Writes until there is an end: of the connection, or, once nothing more is read, of what there is to answer.
pub(super) async fn write(
    visit: &Visit,
    sink: &mut SplitSink<WebSocket, Message>,
    mut said: mpsc::Receiver<Say>,
    cursor: SyncId,
) -> Ending {
    let metrics = Arc::clone(&visit.site.server.metrics);
    let mut feed = Feed::new(Arc::clone(&visit.household), Arc::clone(&metrics), visit.account.device, cursor);
    let mut pending: FuturesOrdered<Answering> = FuturesOrdered::new();
    let mut reads = true;
    loop {
        let sent = tokio::select! {
            biased;
            Some(answered) = pending.next() => answer(sink, answered).await,
            say = said.recv(), if reads => match say {
                Some(Say::Pong(n)) => {
                    let server_time = Time::from_millis(visit.site.server.environment.now().cast_signed());
                    send(sink, &ServerFrame::Pong(Pong { n, server_time })).await
                }
                Some(Say::Answers(waiting)) => {
                    pending.push_back(Box::pin(answers_of(waiting)));
                    Ok(())
                }
                None => {
                    reads = false;
                    Ok(())
                }
            },
            next = feed.next(), if reads => match next {
                Ok(Next::Frames(frames)) => {
                    metrics.frames_sent.add(frames.len() as u64);
                    send_all(sink, frames).await
                }
                Ok(Next::Live(head)) => {
                    send(sink, &ServerFrame::Live(altair_protocol::sync::Live { head })).await
                }
                Err(error) => {
                    tracing::error!(%error, "the log can't be read");
                    Err(Ending::close(CloseCode::Internal, "the server can't read its log"))
                }
            },
            else => return Ending::Gone,
        };
        if let Err(ending) = sent {
            return ending;
        }
    }
}

async fn answers_of(mut waiting: Waiting) -> Answered {
    let answers = (&mut waiting.answers).await.ok();
    Answered { answers, waiting }
}

/// Tells what came of a push.
async fn answer(sink: &mut SplitSink<WebSocket, Message>, answered: Answered) -> Result<(), Ending> {
    let Answered { answers, waiting } = answered;
    let answers = match answers {
        Some(Ok(answers)) => answers,
        Some(Err(error)) => return Err(failed(&error)),
        None => return Err(Ending::close(CloseCode::GoingAway, "the server is being stopped")),
    };
    // In their order: a device may rely on it for those of one entity.
    let (mut frames, mut acked) = (Vec::new(), Vec::new());
    frames.extend(waiting.refused.into_iter().map(ServerFrame::Refused));
    for answer in answers {
        match answer {
            Answer::Accepted(item) => acked.push(item),
            Answer::Refused(why) => {
                frames.extend(ack(&mut acked));
                frames.push(ServerFrame::Refused(why));
            }
        }
    }
    frames.extend(ack(&mut acked));
    let mut texts = Vec::with_capacity(frames.len());
    for frame in frames {
        let text = frame.to_text().map_err(|_| Ending::close(CloseCode::Internal, "an answer can't be written"))?;
        texts.push(Utf8Bytes::from(text));
    }
    send_all(sink, texts).await
}

/// The frame for what was accepted so far, if anything was.
fn ack(acked: &mut Vec<Acked>) -> Option<ServerFrame> {
    let items = std::mem::take(acked);
    (!items.is_empty()).then_some(ServerFrame::Ack(Ack { items }))
}

/// Sends frames, with one flush for all.
async fn send_all(sink: &mut SplitSink<WebSocket, Message>, texts: Vec<Utf8Bytes>) -> Result<(), Ending> {
    for text in texts {
        sink.feed(Message::Text(text)).await.map_err(|_| Ending::Gone)?;
    }
    sink.flush().await.map_err(|_| Ending::Gone)
}
