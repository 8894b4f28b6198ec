import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMatch } from './mqtt-topic.ts';

test('a filter names the topics that MQTT 3.1.1 §4.7 says', () => {
  const named = [
    ['sport/tennis/player1/#', 'sport/tennis/player1'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon'],
    ['#', 'sport'],
    ['sport/tennis/+', 'sport/tennis/player1'],
    ['sport/+', 'sport/'],
    ['+/+', '/finance'],
    ['/+', '/finance'],
    ['$SYS/#', '$SYS/broker'],
  ] as const;
  for (const [filter, topic] of named) assert.ok(isMatch(filter, topic), `${filter} names ${topic}`);
  const others = [
    ['sport/tennis/+', 'sport/tennis/player1/ranking'],
    ['sport/+', 'sport'],
    ['+', '/finance'],
    ['#', '$SYS/broker'],
    ['+/broker', '$SYS/broker'],
    ['sport', 'Sport'],
  ] as const;
  for (const [filter, topic] of others) assert.ok(!isMatch(filter, topic), `${filter} does not name ${topic}`);
});
