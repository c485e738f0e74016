/**
 * A kernel for the rehearsal of scripts/build/rehearse.mjs: every link that is asked for by name is there and up,
 * what is made is remembered, and all else is acknowledged. Numbers are those of linux/netlink.h and rtnetlink.h.
 */

const NLM_F_MULTI = 0x2;
const NLM_F_ACK = 0x4;
const NLM_F_CAPPED = 0x100;
const NLM_F_DUMP = 0x300;
const NLM_F_CREATE = 0x400;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;

/** IFF_UP, IFF_RUNNING, IFF_LOWER_UP */
const working = 0x10041;
/** IFLA_ADDRESS 02:00:00:00:00:01 and IFLA_MTU 1500, as attributes */
const described = Buffer.from("0a000100020000000001000008000400dc050000", "hex");

/** Bodies of the links that were made. */
const links = [];

/** In place of the class that the netlink package's addon exports. */
export class NativeNetlink {
  #port = 0;
  #receive;

  constructor(_protocol, _bufferSize, receive) {
    this.#receive = receive;
  }

  bind(port) {
    this.#port = port;
  }

  address() {
    return { port: this.#port, groups: 0 };
  }

  send(_port, _groups, bytes, sent) {
    const answers = messagesIn(Buffer.from(bytes)).flatMap(answersTo);
    setTimeout(() => {
      sent();
      for (const answer of answers) this.#receive(answer, { port: 0, groups: 0 });
    });
  }

  ref() {}
  unref() {}
  close() {}
}

function messagesIn(bytes) {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    messages.push(bytes.subarray(at, at + length));
    at += (length + 3) & ~3;
  }
  return messages;
}

function answersTo(request) {
  const type = request.readUInt16LE(4);
  const flags = request.readUInt16LE(6);
  const body = request.subarray(16);
  if ((flags & NLM_F_DUMP) === NLM_F_DUMP) {
    const found = type === RTM_GETLINK ? links : [];
    return [
      ...found.map((link) => message(RTM_NEWLINK, NLM_F_MULTI, request, link)),
      message(NLMSG_DONE, NLM_F_MULTI, request, Buffer.alloc(4)),
    ];
  }
  if (type === RTM_NEWLINK && flags & NLM_F_CREATE) links.push(link(2 + links.length, body));
  const found = type === RTM_GETLINK ? [message(RTM_NEWLINK, 0, request, link(1, body))] : [];
  return flags & NLM_F_ACK ? [...found, acknowledgement(request)] : found;
}

/** The link that was asked for, by the attributes of the request. */
function link(index, request) {
  const body = Buffer.concat([request, described]);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(working, 8);
  return body;
}

/** struct nlmsgerr without an error, and of the request its header only */
function acknowledgement(request) {
  return message(
    NLMSG_ERROR,
    NLM_F_CAPPED,
    request,
    Buffer.concat([Buffer.alloc(4), request.subarray(0, 16)]),
  );
}

function message(type, flags, request, body) {
  const header = Buffer.from(request.subarray(0, 16));
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  return Buffer.concat([header, body]);
}
