const adjectives =
  "able amber bold brave brisk calm clear clever coral crisp daring eager early fair fancy fleet fond fresh gentle glad golden grand happy hardy jolly keen kind lively loyal lucky lunar mellow merry mild misty modest neat nimble noble plain polite proud quick quiet rapid ready royal rustic sandy silent silver smart snug solar steady still stout sunny swift tidy vivid warm wise witty".split(
    " ",
  );

const nouns =
  "acorn alder anchor apple arrow aspen badger basil beacon birch bison brook canyon cedar cliff clover comet coral crane creek delta dune eagle ember falcon fern finch fjord forest fox garnet glacier grove harbor hawk hazel heron island ivy jasper juniper lagoon lake lark lemon lotus lynx maple marble meadow moon moss oak ocean orchid otter owl panda pebble pine plum prairie quartz raven reef ridge river robin sage seal spruce star stone stork thistle tiger trail tulip valley walnut willow wolf wren".split(
    " ",
  );

/** Four random bytes as a number below 2^32. */
export type RandomUint32 = () => number;

const secureUint32: RandomUint32 = () => crypto.getRandomValues(new Uint32Array(1))[0]!;

/**
 * A friendly name for a workspace, token or daemon that was given none: `brave-otter-42`. At most 32
 * characters and always a valid `Name`.
 */
export function randomName(random: RandomUint32 = secureUint32): string {
  const adjective = adjectives[random() % adjectives.length];
  const noun = nouns[random() % nouns.length];
  return `${adjective}-${noun}-${random() % 100}`;
}
