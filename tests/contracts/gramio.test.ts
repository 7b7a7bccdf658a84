import { Bot, InlineKeyboard, MediaInput, MediaUpload } from 'gramio';
import { testOrdinaryBot } from './ordinary-bot.ts';

testOrdinaryBot('gramio', async (apiRoot, token) => {
  const bot = new Bot(token, { api: { baseURL: `${apiRoot}/bot` } });
  const photos: { fileId: string; bytes: Buffer }[] = [];
  let chargeId = '';

  bot.command('start', (context) =>
    context.send(`<b>Hi</b>, ${context.from?.firstName}`, {
      parse_mode: 'HTML',
      reply_markup: new InlineKeyboard().text('Done', 'done'),
    }),
  );
  bot.callbackQuery('done', async (context) => {
    await context.editText('Thanks!');
    await context.answer({ text: 'saved', show_alert: true });
  });
  bot.command('price', (context) => context.send('*5\\.00* stars', { parse_mode: 'MarkdownV2' }));
  bot.on('message', async (context, next): Promise<unknown> => {
    const largest = context.photo?.at(-1);
    if (largest === undefined) return next();
    const bytes = Buffer.from(await bot.downloadFile(largest.fileId));
    photos.push({ fileId: largest.fileId, bytes });
    const [first, second] = photos.slice(-2);
    if (first === undefined || second === undefined || photos.length % 2 === 1) return;
    return context.sendMediaGroup([
      MediaInput.photo(MediaUpload.buffer(first.bytes, 'one.jpg'), { caption: 'one' }),
      MediaInput.photo(second.fileId),
    ]);
  });
  bot.command('draw', async (context) => {
    const photo = MediaUpload.buffer(photos.at(-1)?.bytes ?? Buffer.alloc(0), 'drawn.jpg');
    const sent = await context.sendPhoto(photo, { caption: 'drawn' });
    await sent.editMedia(MediaInput.document(MediaUpload.text('drawn', 'drawn.txt')));
  });
  bot.command('buy', (context) =>
    context.sendInvoice({
      title: 'Ten stars',
      description: 'For your balance',
      payload: 'order',
      currency: 'XTR',
      prices: [{ label: 'Ten stars', amount: 10 }],
    }),
  );
  bot.on('pre_checkout_query', (context) => context.answer({ ok: true }));
  bot.on('successful_payment', (context) => {
    const { telegramPaymentChargeId, totalAmount } = context.eventPayment;
    chargeId = telegramPaymentChargeId;
    return context.send(`Paid ${totalAmount}`);
  });
  bot.command('refund', async (context) => {
    await bot.api.refundStarPayment({
      user_id: context.from?.id ?? 0,
      telegram_payment_charge_id: chargeId,
    });
    await context.send('Refunded');
  });
  await bot.start();
  return async () => {
    // Waits for the poll under way, which stopping alone does not.
    await bot.updates.stopPolling(true);
    await bot.stop(100);
  };
});
