//! A proxy between a client and a node that loses answers or requests, as networks and other proxies do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How the request to submit a transaction begins.
const SUBMIT: &str = "POST /api/v1/transactions ";

/// What becomes of a request to submit a transaction, or to look one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The node gets the request, the client no answer.
    AnswerLost,
    /// The node gets the request, the client half of the answer.
    AnswerCut,
    /// The node gets the request, the client a page of the proxy.
    AnswerReplaced,
    /// The node does not get the request, the client a page of the proxy.
    RequestLost,
    /// The node does not get the request, the client a problem of this status and name, as another node would answer.
    Problem(u16, &'static str),
}

/// Faults of the requests to come; without any left all goes through.
#[derive(Clone, Default)]
pub struct Plan {
    pub submit: Arc<Mutex<Vec<Fault>>>,
    pub look_up: Arc<Mutex<Vec<Fault>>>,
    /// What the node's clock shows in the answers, in place of the true time.
    pub date: Arc<Mutex<Option<String>>>,
    /// What happens once, before the first request that goes on in a list.
    pub before_next_page: Arc<Mutex<Option<Happens>>>,
    /// What happens once, before the first request to submit a transaction gets its answer.
    pub while_submitting: Arc<Mutex<Option<Happens>>>,
}

/// Something that happens while a client reads.
pub type Happens = Box<dyn FnOnce() + Send>;

impl Plan {
    pub fn set(&self, submit: &[Fault], look_up: &[Fault]) {
        *self.submit.lock().unwrap() = submit.iter().rev().copied().collect();
        *self.look_up.lock().unwrap() = look_up.iter().rev().copied().collect();
    }

    fn dated(&self, answer: Vec<u8>) -> Vec<u8> {
        let Some(date) = self.date.lock().unwrap().clone() else {
            return answer;
        };
        let begins = answer.windows(8).position(|part| part == b"\r\ndate: ").unwrap() + 8;
        let ends = begins + answer[begins..].iter().position(|byte| *byte == b'\r').unwrap();
        [&answer[..begins], date.as_bytes(), &answer[ends..]].concat()
    }

    fn next(&self, request_line: &str) -> Option<Fault> {
        let list = match request_line {
            line if line.starts_with(SUBMIT) => &self.submit,
            line if line.starts_with("GET /api/v1/transactions/") => &self.look_up,
            _ => return None,
        };
        list.lock().unwrap().pop()
    }
}

/// Starts one before the node at this URL; it ends with the process of the test.
pub fn before(node: &str, plan: Plan) -> String {
    let node = node.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (node, plan) = (node.clone(), plan.clone());
            std::thread::spawn(move || serve(client, &node, &plan));
        }
    });
    url
}

/// One request, then the connection ends.
fn serve(mut client: TcpStream, node: &str, plan: &Plan) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    if first.contains("cursor=") {
        let happens = plan.before_next_page.lock().unwrap().take();
        happens.into_iter().for_each(|happens| happens());
    }
    let fault = plan.next(&first);
    if first.starts_with(SUBMIT) {
        let happens = plan.while_submitting.lock().unwrap().take();
        happens.into_iter().for_each(|happens| happens());
    }
    let answer = match fault {
        Some(Fault::RequestLost | Fault::Problem(..)) => Vec::new(),
        _ => plan.dated(forward(node, &first, &body)),
    };
    let page = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 24\r\nconnection: close\r\n\r\n<html>Bad Gateway</html>";
    let _ = match fault {
        None => client.write_all(&answer),
        Some(Fault::AnswerLost) => Ok(()),
        Some(Fault::AnswerCut) => client.write_all(&answer[..answer.len() - 10]),
        Some(Fault::AnswerReplaced | Fault::RequestLost) => client.write_all(page),
        Some(Fault::Problem(status, name)) => client.write_all(problem(status, name).as_bytes()),
    };
}

fn problem(status: u16, name: &str) -> String {
    let body = format!(r#"{{"type":"/problems/{name}","title":"T","status":{status},"detail":"d"}}"#);
    let length = body.len();
    format!("HTTP/1.1 {status} Problem\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn forward(node: &str, first: &str, body: &[u8]) -> Vec<u8> {
    let mut there = TcpStream::connect(node).unwrap();
    let head = format!(
        "{}\r\nhost: {node}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        first.trim(),
        body.len()
    );
    there.write_all(head.as_bytes()).unwrap();
    there.write_all(body).unwrap();
    let mut answer = Vec::new();
    there.read_to_end(&mut answer).unwrap();
    answer
}
