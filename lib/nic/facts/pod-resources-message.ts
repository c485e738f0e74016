import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type PodDevice, type PodNames, uniqueDevices } from "./pod-device.ts";

/**
 * Messages of kubelet's pod-resources API, as far as devices are in them (k8s.io/kubelet, pkg/apis/podresources/v1/api.proto).
 * Fields that are not known here are passed over, as protocol buffers have it.
 */

/** Bytes that are no answer of that API. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";
}

type PodName = Omit<PodNames, "uid">;

/** As many entries as a list of a configuration may have. */
const mostDevices = 1024;

/** ListPodResourcesRequest has no fields. */
export const listRequest = new Uint8Array(0);

/** GetPodResourcesRequest */
export function getRequest({ name, namespace }: PodName): Uint8Array {
  const { LengthDelimited } = WireType;
  return new BinaryWriter()
    .tag(1, LengthDelimited)
    .string(name)
    .tag(2, LengthDelimited)
    .string(namespace)
    .finish();
}

/**
 * The devices of each pod of that name in an answer to List or to Get: both have pods in field 1. A name stands for
 * one pod, but for a moment kubelet may list the one before it too.
 * @throws MalformedAnswer, and nothing else
 */
export function decodeDevices(answer: Uint8Array, pod: PodName): PodDevice[][] {
  try {
    return messagesIn(fieldsOf(answer), 1)
      .map(fieldsOf)
      .filter((fields) => textIn(fields, 1) === pod.name && textIn(fields, 2) === pod.namespace)
      .map((fields) => limited(messagesIn(fields, 3).flatMap(devicesOfContainer)));
  } catch (cause) {
    throw new MalformedAnswer((cause as Error).message, { cause });
  }
}

/** ContainerResources */
function devicesOfContainer(container: Uint8Array): PodDevice[] {
  return messagesIn(fieldsOf(container), 2).flatMap(devicesOf);
}

/** ContainerDevices */
function devicesOf(message: Uint8Array): PodDevice[] {
  const fields = fieldsOf(message);
  const resource = textIn(fields, 1);
  const nodes = messagesIn(fields, 3).flatMap(numaNodesOf);
  const places = nodes.length === 0 ? [{}] : nodes.map((numaNode) => ({ numaNode }));
  return messagesIn(fields, 2).flatMap((id) =>
    places.map((place) => ({ resource, id: utf8.decode(id), ...place })),
  );
}

/** TopologyInfo: a list of NUMANode, each with its number, which is not there where it is 0. */
function numaNodesOf(topology: Uint8Array): number[] {
  return messagesIn(fieldsOf(topology), 1)
    .map((node) => Number(fieldsOf(node).get(1)?.at(-1) ?? 0))
    .filter((node) => Number.isSafeInteger(node) && node >= 0);
}

function limited(devices: readonly PodDevice[]): PodDevice[] {
  const unique = uniqueDevices(devices);
  if (unique.length > mostDevices) throw new Error(`one pod has more than ${mostDevices} devices`);
  return unique;
}

/** By number: what is in a message, numbers and what has a length. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

function fieldsOf(message: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const value = valueIn(reader, number, wire);
    if (value === undefined) continue;
    const before = fields.get(number);
    if (before === undefined) fields.set(number, [value]);
    else before.push(value);
  }
  return fields;
}

function valueIn(reader: BinaryReader, number: number, wire: WireType): Uint8Array | bigint | undefined {
  if (wire === WireType.LengthDelimited) return reader.bytes();
  if (wire === WireType.Varint) return BigInt(reader.int64());
  reader.skip(wire, number);
  return undefined;
}

const messagesIn = (fields: Fields, number: number): Uint8Array[] =>
  (fields.get(number) ?? []).filter((value) => typeof value !== "bigint");

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The last one counts. */
const textIn = (fields: Fields, number: number): string =>
  utf8.decode(messagesIn(fields, number).at(-1) ?? new Uint8Array(0));
