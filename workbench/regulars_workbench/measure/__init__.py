"""What a plan brought: treated against held out, in orders and money, once its horizon has passed."""
