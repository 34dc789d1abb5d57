//! Pairing: codes that are good once, and not for long; tokens that end at once.

use altair_protocol::DeviceId;
use altair_protocol::sync::{Household, Paired, Refusal};
use altair_server::{Answer, Ask};

use crate::client::{Http, Socket, soon};
use crate::world::{World, now_ms};

async fn try_code(http: &Http, code: &str) -> (u16, String) {
    let body = serde_json::json!({"code": code, "name": "laptop"}).to_string();
    let answer = http.post("/v1/pair", &body).await;
    (answer.status, answer.code())
}

/// The code with its last sign changed.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('7') { "8" } else { "7" };
    format!("{}{last}", &code[..code.len() - 1])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once() {
    let world = World::new().await;
    let code = world.code(None).await.code;
    assert_eq!(try_code(&world.http(), &code.to_lowercase().replace('-', " ")).await.0, 200);
    assert_eq!(try_code(&world.http(), &code).await, (410, "code_ended".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_ten_minutes() {
    let world = World::new().await;
    let (early, late) = (world.code(None).await.code, world.code(None).await.code);
    world.later(9 * 60 * 1000);
    assert_eq!(try_code(&world.http(), &early).await.0, 200);
    world.later(60 * 1000);
    assert_eq!(try_code(&world.http(), &late).await, (410, "code_ended".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_guesses_end_a_code() {
    let world = World::new().await;
    let code = world.code(None).await.code;
    for _ in 0..5 {
        assert_eq!(try_code(&world.http(), &wrong(&code)).await, (403, "wrong_code".to_owned()));
    }
    assert_eq!(try_code(&world.http(), &code).await, (410, "code_ended".to_owned()));
    assert_eq!(try_code(&world.http(), &world.code(None).await.code).await.0, 200, "the next one is good");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_nothing_ends_codes_for_the_guesser() {
    let world = World::new().await;
    let code = world.code(None).await.code;
    for guess in ["", "let me in", "0000-0000-0000", "ZZZZ-ZZZZ-ZZZZ", "x"] {
        assert_eq!(try_code(&world.http(), guess).await.0, 403);
    }
    assert_eq!(try_code(&world.http(), &code).await, (410, "code_ended".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_wrong_guesses_dont() {
    let world = World::new().await;
    let code = world.code(None).await.code;
    for _ in 0..4 {
        assert_eq!(try_code(&world.http(), &wrong(&code)).await.0, 403);
    }
    assert_eq!(try_code(&world.http(), &code).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_keeps_its_own_id_and_learns_its_household() {
    let world = World::new().await;
    let code = world.code(None).await;
    let device = DeviceId::v7(now_ms(), [7; 10]);
    let body = serde_json::json!({"code": code.code, "device": device, "name": "laptop"}).to_string();
    let paired: Paired = serde_json::from_slice(&world.http().post("/v1/pair", &body).await.body).unwrap();
    assert_eq!(paired.device, device);
    assert_eq!(paired.household, Household { id: code.id, name: "Home".to_owned() });
    assert_eq!(paired.token.len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_belongs_to_one_household() {
    let world = World::new().await;
    world.act(Ask::Init { household: "Work".to_owned() }).await;
    let device = world.device_of(Some("Home")).await;
    let code = world.code(Some("Work")).await.code;
    let body = serde_json::json!({"code": code, "device": device.id(), "name": "laptop"}).to_string();
    assert_eq!(world.http().post("/v1/pair", &body).await.code(), "device_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token() {
    let world = World::new().await;
    let http = world.http();
    let unknown = http.with_token(&"0".repeat(64));
    for http in [&http, &unknown, &http.with_token("nonsense")] {
        for path in ["/v1/bootstrap", "/v1/sync", &format!("/v1/blobs/{}", "0".repeat(64))] {
            let answer = http.get(path).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{path}");
        }
        for path in ["/v1/states", "/v1/token", "/v1/unpair"] {
            assert_eq!(http.post(path, "{}").await.status, 401, "{path}");
        }
        assert!(Socket::try_open(http).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_hung_up_on_at_once() {
    let world = World::new().await;
    let (device, other) = (world.device().await, world.device().await);
    let (mut socket, mut others) = (device.connect().await, other.connect().await);
    let ending = device.id().to_string()[28..].to_owned();
    let Answer::Revoked(revoked) = world.act(Ask::Revoke { device: ending }).await else { panic!("no revocation") };
    assert_eq!(revoked.revoked, [device.id()]);
    let ended = soon("the end", socket.end()).await;
    assert_eq!((ended.number, ended.closing.unwrap().code.number()), (Some(4401), 4401));
    assert!(Socket::try_open(&device.http).await.is_err());
    assert_eq!(device.http.get("/v1/bootstrap").await.status, 401);
    others.ping(1).await;
    assert_eq!(others.pong().await, 1, "the other one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_new_token_costs_nothing() {
    let world = World::new().await;
    let device = world.device().await;
    let lost: Paired = serde_json::from_slice(&device.http.post("/v1/token", "{}").await.body).unwrap();
    let renewed: Paired = serde_json::from_slice(&device.http.post("/v1/token", "{}").await.body).unwrap();
    assert_eq!((renewed.device, device.http.get("/v1/bootstrap").await.status), (device.id(), 200));
    assert_eq!(world.http().with_token(&lost.token).get("/v1/bootstrap").await.status, 401, "there is a later one");
    let http = world.http().with_token(&renewed.token);
    assert_eq!(http.get("/v1/bootstrap").await.status, 200);
    assert_eq!(device.http.get("/v1/bootstrap").await.status, 401, "the new one has been used");
    assert_eq!(http.get("/v1/bootstrap").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_gets_a_token_of_its_own_and_goes_with_the_original() {
    let world = World::new().await;
    let device = world.device().await;
    let copy = DeviceId::v7(now_ms(), [9; 10]);
    let body = serde_json::json!({"device": copy}).to_string();
    let paired: Paired = serde_json::from_slice(&device.http.post("/v1/token", &body).await.body).unwrap();
    assert_eq!(paired.device, copy);
    let copied = world.http().with_token(&paired.token);
    assert_eq!(device.http.get("/v1/bootstrap").await.status, 200, "the old token goes on for the other one");
    assert_eq!(device.http.post("/v1/token", &body).await.code(), "device_taken");
    world.act(Ask::Revoke { device: device.id().to_string() }).await;
    assert_eq!(copied.get("/v1/bootstrap").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_may_come_back_and_who_was_revoked_may_not() {
    let world = World::new().await;
    let device = world.device().await;
    let pair = async |code: &str| {
        let body = serde_json::json!({"code": code, "device": device.id(), "name": "laptop"}).to_string();
        world.http().post("/v1/pair", &body).await
    };
    let mut socket = device.connect().await;
    assert_eq!(device.http.post("/v1/unpair", "").await.status, 204);
    assert_eq!(socket.end().await.number, Some(4401));
    assert_eq!(device.http.get("/v1/bootstrap").await.status, 401);
    assert_eq!(pair(&world.code(None).await.code).await.status, 200);
    world.act(Ask::Revoke { device: device.id().to_string() }).await;
    assert_eq!(pair(&world.code(None).await.code).await.code(), "device_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_one_device() {
    let world = World::new().await;
    let (device, other) = (world.device().await, world.device().await);
    let mut socket = Socket::open(&device.http).await;
    socket.hello(other.id(), 0, None).await;
    assert_eq!(socket.end().await.number, Some(4403));
    let mut socket = device.connect().await;
    assert_eq!(socket.refused(&other.note("forged")).await.code, Refusal::WrongDevice);
}
