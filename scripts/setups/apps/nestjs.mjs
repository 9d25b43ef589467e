import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ask, callTwice } from './two-calls.mjs';

class AppController {
  async get(name) {
    await ask(`first call of ${name}`);
    await ask(`second call of ${name}`);
    return 'ok';
  }
}
class AppModule {}
// What TypeScript makes of @Controller(), @Get(':name'), @Param('name') and @Module().
Controller()(AppController);
Get(':name')(AppController.prototype, 'get', Object.getOwnPropertyDescriptor(AppController.prototype, 'get'));
Param('name')(AppController.prototype, 'get', 0);
Module({ controllers: [AppController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  await callTwice(app.getHttpServer().address().port);
  await app.close();
}
main();
