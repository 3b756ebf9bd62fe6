import { create, toBinary } from "@bufbuild/protobuf";
import { fileDesc, type GenService, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import {
  type BytesValueSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt";

const text = ".google.protobuf.StringValue";
const bytes = ".google.protobuf.BytesValue";

/** A service of well-known types, described by hand: this package generates no code. */
const file = fileDesc(
  Buffer.from(
    toBinary(
      FileDescriptorProtoSchema,
      create(FileDescriptorProtoSchema, {
        name: "mux_test.proto",
        package: "mux.test",
        syntax: "proto3",
        dependency: ["google/protobuf/wrappers.proto"],
        service: [
          {
            name: "EchoService",
            method: [
              { name: "Unary", inputType: text, outputType: text },
              { name: "Large", inputType: bytes, outputType: bytes },
              { name: "Download", inputType: text, outputType: text, serverStreaming: true },
              { name: "Upload", inputType: text, outputType: text, clientStreaming: true },
              {
                name: "Chat",
                inputType: text,
                outputType: text,
                clientStreaming: true,
                serverStreaming: true,
              },
            ],
          },
        ],
      }),
    ),
  ).toString("base64"),
  [file_google_protobuf_wrappers],
);

type Text = typeof StringValueSchema;
type Bytes = typeof BytesValueSchema;

export const EchoService: GenService<{
  unary: { methodKind: "unary"; input: Text; output: Text };
  large: { methodKind: "unary"; input: Bytes; output: Bytes };
  download: { methodKind: "server_streaming"; input: Text; output: Text };
  upload: { methodKind: "client_streaming"; input: Text; output: Text };
  chat: { methodKind: "bidi_streaming"; input: Text; output: Text };
}> = serviceDesc(file, 0);
