import { Bot, type Context, InlineKeyboardBuilder, InputFile } from 'node-telegram-bot-api';
import { testOrdinaryBot } from './ordinary-bot.ts';

testOrdinaryBot('node-telegram-bot-api', async (apiRoot, token) => {
  const bot = new Bot(token, { apiRoot });
  const { api } = bot;
  const photos: { fileId: string; bytes: Uint8Array }[] = [];
  let chargeId = '';
  const chatOf = (context: Context) => context.chatId ?? 0;

  bot.command('start', (context) =>
    context.reply(`<b>Hi</b>, ${context.from?.first_name}`, {
      parse_mode: 'HTML',
      reply_markup: new InlineKeyboardBuilder().text('Done', 'done').build(),
    }),
  );
  bot.on('callback_query', async (context) => {
    const message_id = context.callbackQuery?.message?.message_id ?? 0;
    await api.editMessageText({ chat_id: chatOf(context), message_id, text: 'Thanks!' });
    await context.answerCallbackQuery({ text: 'saved', show_alert: true });
  });
  bot.command('price', (context) => context.reply('*5\\.00* stars', { parse_mode: 'MarkdownV2' }));
  bot.on('message', async (context, next) => {
    const largest = context.message?.photo?.at(-1);
    if (largest === undefined) return next();
    const { file_path } = await api.getFile({ file_id: largest.file_id });
    const response = await fetch(`${apiRoot}/file/bot${token}/${file_path}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    photos.push({ fileId: largest.file_id, bytes });
    const [first, second] = photos.slice(-2);
    if (first === undefined || second === undefined || photos.length % 2 === 1) return;
    const media = new InputFile(first.bytes, { filename: 'one.jpg' });
    await api.sendMediaGroup({
      chat_id: chatOf(context),
      media: [
        { type: 'photo', media, caption: 'one' },
        { type: 'photo', media: second.fileId },
      ],
    });
  });
  bot.command('draw', async (context) => {
    const chat_id = chatOf(context);
    const photo = new InputFile(photos.at(-1)?.bytes ?? new Uint8Array(), {
      filename: 'drawn.jpg',
    });
    const { message_id } = await api.sendPhoto({ chat_id, photo, caption: 'drawn' });
    const media = new InputFile(Buffer.from('drawn'), { filename: 'drawn.txt' });
    await api.editMessageMedia({ chat_id, message_id, media: { type: 'document', media } });
  });
  bot.command('buy', (context) =>
    api.sendInvoice({
      chat_id: chatOf(context),
      title: 'Ten stars',
      description: 'For your balance',
      payload: 'order',
      currency: 'XTR',
      prices: [{ label: 'Ten stars', amount: 10 }],
    }),
  );
  bot.use(async ({ update }, next) => {
    if (!('pre_checkout_query' in update)) return next();
    const { id } = update.pre_checkout_query;
    await api.answerPreCheckoutQuery({ pre_checkout_query_id: id, ok: true });
  });
  bot.on('message', async (context, next) => {
    const payment = context.message?.successful_payment;
    if (payment === undefined) return next();
    chargeId = payment.telegram_payment_charge_id;
    await context.reply(`Paid ${payment.total_amount}`);
  });
  bot.command('refund', async (context) => {
    const user_id = context.from?.id ?? 0;
    await api.refundStarPayment({ user_id, telegram_payment_charge_id: chargeId });
    await context.reply('Refunded');
  });
  const polling = bot.startPolling();
  return async () => {
    bot.stop();
    await polling;
  };
});
