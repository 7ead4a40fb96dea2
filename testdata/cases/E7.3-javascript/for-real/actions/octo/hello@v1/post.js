console.log(`${process.env.STATE_from}: ${process.env.INPUT_WHO}`);
